-- Changes a limit or a pause.
-- KEYS 1 apium:limits, 2 apium:paused, 3 apium:waiting, 4 apium:control, 5 apium:paused:lists
-- ARGV 1 'limit', 'clear', 'pause' or 'resume', 2 the target, 3 the limit as it is kept, 4 the channel; of a queue that is paused or resumed: its lists
-- Expects nothing. Cost: O(log n), and for the pause of a queue 20 us for each of its next 256 messages that was let go by a limit.
-- Effect: limit or pause stored or removed. Who waits for the target, or for a key of it, is looked at again at once; a target that has no limit any
-- more keeps one without bounds for as long as somebody waits for it, so that what comes later does not overtake. The lists of a paused queue
-- are noted, so that nothing is let go to them, and what was let go to them before gives back what was taken for it; nobody is on the way to them
-- any more. Epoch grows, and is published.
-- Answers 1, or 0 when it was paused, not paused, or not limited already: nothing is changed then.
local verb, target = ARGV[1], ARGV[2]
local now = redis.call('TIME')
local changed
if verb == 'limit' then
    redis.call('HSET', KEYS[1], target, ARGV[3])
    changed = 1
elseif verb == 'clear' then
    changed = redis.call('HDEL', KEYS[1], target)
elseif verb == 'pause' then
    changed = redis.call('HSETNX', KEYS[2], target, string.format('%.0f', tonumber(now[1]) * 1000000 + tonumber(now[2])))
    for at = 5, #ARGV do
        redis.call('HSET', KEYS[5], ARGV[at], target)
    end
else
    changed = redis.call('HDEL', KEYS[2], target)
    for at = 5, #ARGV do
        redis.call('HDEL', KEYS[5], ARGV[at])
    end
end
if changed == 0 then
    return 0
end
local each = string.match(target, '^key:[^=]*$')
for _, hold in ipairs(redis.call('ZRANGE', KEYS[3], 0, -1)) do
    if hold == target or (each and string.sub(hold, 1, #each + 1) == each .. '=') then
        if verb == 'clear' or verb == 'resume' then
            local group = string.match(hold, '^(key:[^=]*)=')
            local limited = redis.call('HEXISTS', KEYS[1], hold) == 1 or (group and redis.call('HEXISTS', KEYS[1], group) == 1)
            local waits = redis.call('EXISTS', KEYS[3] .. ':' .. hold) == 1
            if waits and not limited and redis.call('HEXISTS', KEYS[2], hold) == 0 then
                redis.call('HSET', KEYS[1], hold, '0 0 0')
            end
        end
        enter(KEYS[3], string.match(KEYS[3], '^(.*)waiting$') .. 'scheduled', 0, 0, hold)
    end
end

-- What stands in a message that waited: the job's id, and the targets that it asked; nothing in others.
local function waited(message)
    local readable, value = pcall(cjson.decode, string.find(message, '"apium_waited":[', 1, true) and message or '0')
    local headers = readable and type(value) == 'table' and value.headers
    if type(headers) ~= 'table' or type(headers.id) ~= 'string' or type(headers.apium_waited) ~= 'table' then
        return nil, {}
    end
    local holds = {}
    for _, part in ipairs(headers.apium_waited) do
        if type(part) == 'string' then
            holds[#holds + 1] = part
        end
    end
    return headers.id, holds
end

if verb == 'pause' then
    local book = permits(string.match(KEYS[3], '^(.*)waiting$'))
    for at = 5, #ARGV do
        book.arrived(ARGV[at])
        -- Who may pause a queue need not be one who may read it.
        local messages = redis.pcall('LRANGE', ARGV[at], -256, -1)
        for _, message in ipairs(messages) do
            book.recall(waited(message))
        end
    end
end
newEpoch(KEYS[4], ARGV[4], {'0'})
return 1
