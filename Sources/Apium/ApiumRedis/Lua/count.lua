-- Adds what a worker counted to the history, and notes how long its queues are.
-- KEYS 1 apium:history, from which the other names are derived; then the ready lists of the queues, so many of each
-- ARGV 1 the source, 2 the report's number, 3 how many fields a slot has at most, 4 how many ready lists a queue has, 5 how many
--      resolutions, then of each its seconds and the seconds that its slots live; the number of queues and their names; then fields
--      and what is added to them
-- A field is a queue's name, for its length; or queue NUL job, for numbers as 'place:number place:number …', zeros left out.
-- Expects nothing. Effect: the numbers are added to the slots of this moment; a field beyond the bound is added to '* NUL *'. A report
-- that was taken before changes nothing. Answers 1, or 0 when it was taken before.
-- Cost: O(fields × resolutions); 40 us for a job's name, measured with all three.
local stem = KEYS[1]
local seen = stem .. ':seen:' .. ARGV[1]
if redis.call('GET', seen) == ARGV[2] then
    return 0
end
redis.call('SET', seen, ARGV[2], 'EX', 600)
local limit = tonumber(ARGV[3])
local now = tonumber(redis.call('TIME')[1])
local place = 6
local slots = {}
for index = 1, tonumber(ARGV[5]) do
    local seconds = tonumber(ARGV[place])
    slots[index] = {
        key = string.format('%s:%d:%d', stem, seconds, math.floor(now / seconds)),
        life = seconds + tonumber(ARGV[place + 1]),
    }
    place = place + 2
end

local lengths = {}
local lists = tonumber(ARGV[4])
local queues = tonumber(ARGV[place])
for index = 1, queues do
    local length = 0
    for list = 1, lists do
        local key = KEYS[1 + (index - 1) * lists + list]
        if redis.call('TYPE', key).ok == 'list' then
            length = length + redis.call('LLEN', key)
        end
    end
    lengths[index] = {ARGV[place + index], length}
end
place = place + queues + 1

local function sum(old, more)
    local numbers = {}
    local last = 0
    for _, text in ipairs({old, more}) do
        for index, number in string.gmatch(text, '(%d+):(%d+)') do
            index = tonumber(index)
            numbers[index] = (numbers[index] or 0) + tonumber(number)
            last = math.max(last, index)
        end
    end
    local words = {}
    for index = 0, last do
        if numbers[index] then
            words[#words + 1] = string.format('%d:%.0f', index, numbers[index])
        end
    end
    return table.concat(words, ' ')
end

for _, slot in ipairs(slots) do
    local fields = redis.call('HLEN', slot.key)
    local isNew = fields == 0
    for _, length in ipairs(lengths) do
        if fields < limit or redis.call('HEXISTS', slot.key, length[1]) == 1 then
            fields = fields + redis.call('HSET', slot.key, length[1], length[2])
        end
    end
    for index = place, #ARGV - 1, 2 do
        local field = ARGV[index]
        local old = redis.call('HGET', slot.key, field)
        if not old and fields >= limit then
            field = '*\0*'
            old = redis.call('HGET', slot.key, field)
        end
        fields = fields + redis.call('HSET', slot.key, field, old and sum(old, ARGV[index + 1]) or ARGV[index + 1])
    end
    if isNew and fields > 0 then
        redis.call('EXPIRE', slot.key, slot.life)
    end
end
return 1
