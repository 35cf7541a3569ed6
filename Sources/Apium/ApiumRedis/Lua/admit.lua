-- Asks whether deliveries of one batch may run now; one that may not leaves the batch and waits.
-- KEYS 1 apium:worker:<inc>, 2 apium:flight:<inc>, 3 apium:marks:<inc>:<batch>, 4 apium:holds:<inc>:<batch>
-- ARGV 1 batch, 2 number of items; then per item: index, id, '1' when it was on its way before, the key of a lock that ends with the
--      beginning of the run or '', message, and its holds with NUL between
-- Expects worker and batch as complete.lua does, and the item not to be marked 'd': that one was moved by an earlier call of this step.
-- Effect per item, in order: permits and tokens of all its holds taken, noted in KEYS 4, lock gone; or the message in the line of the hold that
-- refuses it, and the item marked 'd'. Then whatever may go of those that wait for the same holds is let go. The batch is not deleted.
-- That the list is served is noted: what waits is let go to it with a reservation again.
-- Answers per item: 0 admitted (before, too), 1 moved before, 2 taken, or the hold that it waits for.
-- Repeating is harmless. Cost: about 20 us per item with one hold; nothing for jobs without limits, which never come here.
local answers = {}
local state = false
if redis.call('EXISTS', KEYS[1]) == 0 then
    state = 2
end
local list = redis.call('HGET', KEYS[2], ARGV[1])
if not state and not list then
    state = 1
end
local prefix = string.match(KEYS[4], '^(.*)holds:[^:]+:%d+$')
local inFlight = string.match(KEYS[4], 'holds:([^:]+:%d+)$')
local holds = not state and permits(prefix)
if holds then
    holds.arrived(list)
end
local marks = redis.call('GET', KEYS[3]) or ''
local touched, order = {}, {}
for item = 1, tonumber(ARGV[2]) do
    local at = 3 + (item - 1) * 6
    local index, id, wanted = ARGV[at], ARGV[at + 1], ARGV[at + 5]
    if state then
        answers[item] = state
    elseif redis.call('HEXISTS', KEYS[4], index) == 1 then
        answers[item] = 0
    elseif string.byte(marks, tonumber(index) + 1) == 100 then
        answers[item] = 1
    else
        local returns = ARGV[at + 2] == '1'
        local refused, look = holds.admit(id, 'h' .. inFlight .. ':' .. index, wanted, returns)
        if refused then
            holds.wait(refused, look, id, list, wanted, ARGV[at + 4], returns)
            redis.call('SETRANGE', KEYS[3], index, 'd')
            answers[item] = refused
        else
            redis.call('HSET', KEYS[4], index, wanted)
            if ARGV[at + 3] ~= '' and redis.call('GET', ARGV[at + 3]) == id then
                redis.call('DEL', ARGV[at + 3])
            end
            answers[item] = 0
        end
        for hold in string.gmatch(wanted, '[^%z]+') do
            if not touched[hold] then
                touched[hold] = true
                order[#order + 1] = hold
            end
        end
    end
end
for _, hold in ipairs(order) do
    if redis.call('EXISTS', prefix .. 'waiting:' .. hold) == 1 then
        holds.release(hold)
    end
end
return answers
