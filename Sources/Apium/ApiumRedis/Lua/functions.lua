-- What several scripts do: the text of this file stands in front of theirs. Defines functions and does nothing.

-- The server's time in microseconds.
local function microseconds()
    local now = redis.call('TIME')
    return tonumber(now[1]) * 1000000 + tonumber(now[2])
end

-- Sets a text that lives for so many seconds; '0': for ever.
local function set(key, seconds, text)
    if seconds == '0' then
        redis.call('SET', key, text)
    else
        redis.call('SET', key, text, 'EX', seconds)
    end
end

-- Stores and publishes a result document, unless SUCCESS is stored: it is never overwritten. Answers whether it did.
-- Most results are the first of their job: then there is nothing to read.
local function store(key, seconds, document)
    local first
    if seconds == '0' then
        first = redis.call('SET', key, document, 'NX')
    else
        first = redis.call('SET', key, document, 'EX', seconds, 'NX')
    end
    if not first then
        local stored = redis.call('GET', key)
        if stored and string.find(stored, 'SUCCESS', 1, true) then
            local readable, value = pcall(cjson.decode, stored)
            if readable and type(value) == 'table' and value.status == 'SUCCESS' then
                return false
            end
        end
        set(key, seconds, document)
    end
    redis.call('PUBLISH', key, document)
    return true
end

-- The message in a record, in either of its two forms (ShelvedRecord+JSON.swift).
local function messageOf(record)
    local nul = string.find(record, '%z')
    if nul then
        return string.sub(record, nul + 1)
    end
    return string.match(record, '"payload":"([^"]*)"')
end

-- Sets a record aside on a shelf. Where another message of that id is there already, both are kept: the later one as <id>#2, and so on up to #100,
-- which the last one has.
local function shelve(shelf, id, record)
    local records, name, number = shelf .. ':messages', id, 1
    local stored = redis.call('HGET', records, name)
    while stored and number < 100 and messageOf(stored) ~= messageOf(record) do
        number = number + 1
        name = id .. '#' .. number
        stored = redis.call('HGET', records, name)
    end
    redis.call('ZADD', shelf, string.format('%.0f', microseconds()), name)
    redis.call('HSET', records, name, record)
end

-- Chords. A chord is named by its group's key; beside it stand .j the parts, .t parts expected later, .s size, .d members seen, .c claim.
-- 'settings' has ordered ('1' or '0'), expires, groupExpires (seconds, 0: never) and claimed (seconds that a claim holds).

local function isComplete(chord, settings)
    local size = redis.call('GET', chord .. '.s')
    if not size then
        return false
    end
    local ready = redis.call(settings.ordered == '1' and 'ZCARD' or 'LLEN', chord .. '.j')
    return ready >= tonumber(size) + tonumber(redis.call('GET', chord .. '.t') or '0')
end

-- Brings a part. Celery's step, with three differences: a call that is repeated with its token is answered as the first one; a part that
-- comes after the end is kept for five minutes, for it may be the first of another run of the chord whose sender has not yet removed the
-- end's mark; and two parts of one text are both kept. Answers whether the caller holds the claim.
local function bring(chord, id, score, token, part, settings)
    local claim = redis.call('GET', chord .. '.c')
    if redis.call('SADD', chord .. '.d', id .. ':' .. score) == 1 then
        if settings.ordered == '1' then
            while redis.call('ZSCORE', chord .. '.j', part) do
                part = part .. ' '
            end
            redis.call('ZADD', chord .. '.j', score, part)
        else
            redis.call('RPUSH', chord .. '.j', part)
        end
    end
    if claim == 'done' then
        redis.call('EXPIRE', chord .. '.j', 300)
        redis.call('EXPIRE', chord .. '.d', 300)
        return false
    end
    if tonumber(settings.expires) > 0 then
        for _, suffix in ipairs({'.j', '.t', '.s', '.d'}) do
            redis.call('EXPIRE', chord .. suffix, settings.expires)
        end
        if tonumber(settings.groupExpires) > 0 then
            redis.call('EXPIRE', chord, settings.groupExpires)
        end
    end
    if not isComplete(chord, settings) then
        return false
    end
    if claim == token then
        return true
    end
    return redis.call('SET', chord .. '.c', token, 'NX', 'EX', settings.claimed) ~= false
end

-- Whether a claim is the caller's: it stands, or it ran out and nobody has joined the complete chord since.
local function holds(chord, token, settings)
    local claim = redis.call('GET', chord .. '.c')
    if claim then
        return claim == token
    end
    return isComplete(chord, settings)
end

-- Ends a chord whose claim the caller holds.
local function close(chord, settings)
    redis.call('DEL', chord .. '.j', chord .. '.t', chord .. '.s', chord .. '.d')
    redis.call('SET', chord .. '.c', 'done', 'EX', math.max(2 * tonumber(settings.claimed), 300))
end
