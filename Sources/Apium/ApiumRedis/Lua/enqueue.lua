-- Puts messages on their lists or into the scheduled set, each only if its conditions hold.
-- KEYS 1 apium:scheduled, 2 apium:scheduled:messages, 3 apium:unique:queues, 4 apium:unique:timed, 5 apium:held
-- ARGV 1 '1' when one full queue refuses all; then per message: apium:known:<id> or '', key of its result or '', milliseconds to know it,
--      apium:unique:<key> or '', the job's id, milliseconds that the lock lives (negative: for a time, whatever becomes of the job), number of places; then per place: limit or '', milliseconds that the queue's lists live or '', list, delay in us or '', member,
--      message, number of the queue's lists, those lists
-- Expects nothing. A message whose id or result is known is left out, and so are one whose lock another has (of this call, too) and one with a place whose queue holds its limit already, those
-- of this call, and those that wait in lines, counted. Effect: the others pushed or scheduled in order, their ids known, and their locks taken, from now on. When a queue is full and ARGV 1
-- says so, nothing is written at all.
-- Answers per message: 0 enqueued, 1 known, the id of the job that has the lock, or a list: number of the place whose queue is full, its length.
-- Not repeatable, but where all ids are to be known. Cost: about 2 us per message more than LPUSH.
local lengths = {}
local seen = {}
local answers = {}
local accepted = {}
local refused = false

-- How many messages are ready in a place's queue, or wait beside it for limits and pauses.
local function length(place)
    local queue = ARGV[place + 7]
    if not lengths[queue] then
        local sum = 0
        for list = place + 7, place + 6 + tonumber(ARGV[place + 6]) do
            sum = sum + redis.call('LLEN', ARGV[list]) + tonumber(redis.call('HGET', KEYS[5], ARGV[list]) or '0')
        end
        lengths[queue] = sum
    end
    return lengths[queue]
end

local function isKnown(at)
    local known = ARGV[at]
    if known == '' then
        return false
    end
    return seen[known] or redis.call('EXISTS', known) == 1 or (ARGV[at + 1] ~= '' and redis.call('EXISTS', ARGV[at + 1]) == 1)
end

-- The number of the first place whose queue is full, and its length.
local function full(places)
    for number, place in ipairs(places) do
        if ARGV[place] ~= '' and length(place) >= tonumber(ARGV[place]) then
            return number, length(place)
        end
    end
end

local locked = {}
local function lockHolder(at)
    return ARGV[at + 3] ~= '' and (locked[ARGV[at + 3]] or redis.call('GET', ARGV[at + 3]))
end

local function decide(at, places)
    if isKnown(at) then
        return 1
    end
    local holder = lockHolder(at)
    if holder then
        return holder
    end
    local number, count = full(places)
    if number then
        refused = true
        return {number, count}
    end
    seen[ARGV[at]] = true
    locked[ARGV[at + 3]] = ARGV[at + 4]
    for _, place in ipairs(places) do
        if ARGV[place + 3] == '' and ARGV[place] ~= '' then
            lengths[ARGV[place + 7]] = length(place) + 1
        end
    end
    accepted[#accepted + 1] = {at, places}
    return 0
end

local function put(place)
    if ARGV[place + 3] ~= '' then
        local now = redis.call('TIME')
        enter(KEYS[1], KEYS[1], tonumber(now[1]) * 1000000 + tonumber(now[2]), tonumber(ARGV[place + 3]), ARGV[place + 4])
        redis.call('HSET', KEYS[2], ARGV[place + 4], ARGV[place + 5])
        return
    end
    redis.call('LPUSH', ARGV[place + 2], ARGV[place + 5])
    if ARGV[place + 1] ~= '' then
        for list = place + 7, place + 6 + tonumber(ARGV[place + 6]) do
            redis.call('PEXPIRE', ARGV[list], ARGV[place + 1])
        end
    end
end

-- What outlives its job is noted, so that nobody takes it for forgotten.
local function noteTimed(lock, life)
    local now = redis.call('TIME')
    local time = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000)
    redis.call('ZREMRANGEBYSCORE', KEYS[4], '-inf', string.format('%.0f', time))
    redis.call('ZADD', KEYS[4], string.format('%.0f', time + life), lock)
    redis.call('PEXPIREAT', KEYS[4], redis.call('ZRANGE', KEYS[4], -1, -1, 'WITHSCORES')[2])
end

local at = 2
while ARGV[at] do
    local first = at
    local places = {}
    at = first + 7
    for _ = 1, tonumber(ARGV[first + 6]) do
        places[#places + 1] = at
        at = at + 7 + tonumber(ARGV[at + 6])
    end
    answers[#answers + 1] = decide(first, places)
end
if refused and ARGV[1] == '1' then
    return answers
end
for _, message in ipairs(accepted) do
    for _, place in ipairs(message[2]) do
        put(place)
    end
    local first = message[1]
    if ARGV[first] ~= '' then
        redis.call('SET', ARGV[first], '', 'PX', ARGV[first + 2])
    end
    if ARGV[first + 3] ~= '' then
        local life = tonumber(ARGV[first + 5])
        redis.call('SET', ARGV[first + 3], ARGV[first + 4], 'PX', string.format('%.0f', math.abs(life)))
        if life < 0 then
            noteTimed(ARGV[first + 3], -life)
        end
        for _, place in ipairs(message[2]) do
            redis.call('SADD', KEYS[3], ARGV[place + 7])
        end
    end
end
return answers
