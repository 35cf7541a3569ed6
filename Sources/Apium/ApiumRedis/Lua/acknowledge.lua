-- Marks deliveries of one batch as acknowledged before their run.
-- KEYS 1 apium:worker:<inc>, 2 apium:flight:<inc>, 3 apium:marks:<inc>:<batch>
-- ARGV 1 batch, 2… indices
-- Expects worker and batch as complete.lua does. Effect: mark 'a' where there is none.
-- Answers one number per index: 0 marked now, 1 marked or done before, 2 taken. Repeating is harmless. Cost: O(1) per index.
local answers = {}
local state = 0
if redis.call('EXISTS', KEYS[1]) == 0 then
    state = 2
elseif redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then
    state = 1
end
local marks = redis.call('GET', KEYS[3]) or ''
for item = 2, #ARGV do
    local index = tonumber(ARGV[item])
    local mark = string.byte(marks, index + 1)
    if state ~= 0 then
        answers[item - 1] = state
    elseif mark == 97 or mark == 100 or mark == 106 then
        answers[item - 1] = 1
    else
        redis.call('SETRANGE', KEYS[3], index, 'a')
        answers[item - 1] = 0
    end
end
return answers
