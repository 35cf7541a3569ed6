-- Ends deliveries of claim batches: results, follow-ups, parts of chords and mark of each in one step.
-- KEYS 1 apium:worker:<inc>, 2 apium:flight:<inc>, 3 apium:scheduled, 4 apium:scheduled:messages; then per batch: apium:marks:<inc>:<batch>,
--      apium:flight:<inc>:<batch>, apium:joins:<inc>:<batch>, apium:holds:<inc>:<batch>
-- ARGV of chords: 1 ordered, 2 expires, 3 group expires, 4 seconds of a claim; then per batch: its number, '1' when the caller has now ended
--      all of it that it knows, number of items; then per item: index, number of operations, and the operations, as below; or for
--      deliveries that follow one another, each an item of one 'store' with the same seconds: index of the first, 'rows', how many, seconds,
--      then key and document of each. The operations:
--      'close', group, group key, token | 'abandon', group, group key, token: these come first
--      'store', key, seconds, document | 'push', list, message | 'later', delay in us, member, message |
--      'shelf', shelf key, id, record | 'aside', shelf key, id, what stands in the record in front of the message, which is the item's own |
--      'part', group, group key, id, score, token, part | 'turn', run key, waiting list, job id |
--      of what the job holds: 'yield', place | 'free', lock key, id | 'keep', lock key, id, milliseconds
-- Expects the worker to be registered (else every item is taken), the batch to be open (else it was ended before), the item not to be
-- marked 'd'. An item marked 'j' has joins to end: a call that closes or abandons some of them goes on, any other is a repeated one and
-- is answered as the first was. Where a claim to be closed is no longer the caller's, nothing of the item is done but its mark.
-- Effect per item: the operations in their order. While it has joins to end it is marked 'j', with them among the batch's joins, else 'd'.
-- A batch of which the caller has ended all is deleted when all of its list is marked 'd', or is ended by this very call.
-- Answers batch by batch, per item: 0 done, 1 done before, 2 taken, or a list of groups and tokens: the joins; then 0 if the batch is still
-- there, else 1. Repeating is harmless. Cost: about 3 us per item with a result, less in rows, 1 us without.
local ARGV = ARGV
local settings = {ordered = ARGV[1], expires = ARGV[2], groupExpires = ARGV[3], claimed = ARGV[4]}
local widths = {close = 4, abandon = 4, store = 4, push = 3, later = 4, shelf = 4, aside = 4, part = 7, turn = 4, yield = 2, free = 3, keep = 4}
local holdings
-- Of the present batch.
local marks, marksKey, listKey, joinsKey, holdsKey

local function run(verb, at, joins, index)
    if verb == 'store' then
        store(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
    elseif verb == 'push' then
        redis.call('LPUSH', ARGV[at + 1], ARGV[at + 2])
    elseif verb == 'later' then
        enter(KEYS[3], KEYS[3], microseconds(), tonumber(ARGV[at + 1]), ARGV[at + 2])
        redis.call('HSET', KEYS[4], ARGV[at + 2], ARGV[at + 3])
    elseif verb == 'shelf' then
        shelve(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
    elseif verb == 'aside' then
        -- It stands in the batch until all of that is ended; were it not there this would fail, and nothing be lost.
        shelve(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3] .. redis.call('LINDEX', listKey, index))
    elseif verb == 'part' then
        if bring(ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], ARGV[at + 6], settings) then
            joins[#joins + 1] = ARGV[at + 1]
            joins[#joins + 1] = ARGV[at + 5]
        end
    elseif verb == 'turn' then
        if redis.call('GET', ARGV[at + 1]) == ARGV[at + 3] then
            advance(ARGV[at + 1], ARGV[at + 2])
        end
    elseif verb == 'close' then
        close(ARGV[at + 2], settings)
    elseif verb == 'abandon' then
        redis.call('DEL', ARGV[at + 2] .. '.s')
    elseif verb == 'yield' then
        holdings = holdings or permits(string.match(holdsKey, '^(.*)holds:[^:]+:%d+$'))
        holdings.giveBack(holdsKey, ARGV[at + 1])
    elseif redis.call('GET', ARGV[at + 1]) == ARGV[at + 2] then
        if verb == 'free' then
            redis.call('DEL', ARGV[at + 1])
        else
            redis.call('PEXPIRE', ARGV[at + 1], ARGV[at + 3])
        end
    end
end

-- Where operations end that stand from 'at' on.
local function behind(at, operations)
    for _ = 1, operations do
        at = at + widths[ARGV[at]]
    end
    return at
end

-- The place of a claim among joins, or nil.
local function place(joins, at)
    for number = 1, #joins, 2 do
        if joins[number] == ARGV[at + 1] and joins[number + 1] == ARGV[at + 3] then
            return number
        end
    end
end

-- Ends one item whose operations stand from 'first' on. Answers the joins that it has then, or nil for a repeated call.
local function complete(joins, isJoining, first, operations, index)
    local held = true
    local at = first
    local closes = 0
    while closes < operations and (ARGV[at] == 'close' or ARGV[at] == 'abandon') do
        local known = place(joins, at)
        if isJoining and not known then
            return nil
        end
        if known then
            table.remove(joins, known)
            table.remove(joins, known)
        end
        held = held and holds(ARGV[at + 2], ARGV[at + 3], settings)
        at = at + 4
        closes = closes + 1
    end
    if isJoining and closes == 0 then
        return nil
    end
    if held then
        at = first
        for _ = 1, operations do
            run(ARGV[at], at, joins, index)
            at = at + widths[ARGV[at]]
        end
    end
    return joins
end

local answers, answered = {}, 0
local function answer(value)
    answered = answered + 1
    answers[answered] = value
end

-- Items that follow one another are marked 'd' by one write: from 'from' on, so many. 'now' are other marks that this call has made.
local now, from, pending
local function flush()
    if pending > 0 then
        redis.call('SETRANGE', marksKey, from, string.rep('d', pending))
        for index = from, from + pending - 1 do
            now[index] = 100
        end
        pending = 0
    end
end
local function done(index)
    if pending == 0 or index ~= from + pending then
        flush()
        from = index
    end
    pending = pending + 1
end

-- One item with joins, old or new.
local function conclude(index, mark, first, operations)
    local stored = mark == 106 and (redis.call('HGET', joinsKey, index) or '[]')
    local joins = complete(stored and cjson.decode(stored) or {}, mark == 106, first, operations, index)
    if joins == nil then
        answer(cjson.decode(stored))
    elseif #joins > 0 then
        redis.call('SETRANGE', marksKey, index, 'j')
        redis.call('HSET', joinsKey, index, cjson.encode(joins))
        now[index] = 106
        answer(joins)
    else
        done(index)
        if stored then
            redis.call('HDEL', joinsKey, index)
        end
        answer(0)
    end
end

-- The mark that an item has by now.
local function marked(index)
    if index >= from and index < from + pending then
        return 100
    end
    return now[index] or string.byte(marks, index + 1)
end

-- One item whose arguments stand from 'at' on. Answers where they end.
local function single(at)
    local index = tonumber(ARGV[at])
    local operations = ARGV[at + 1]
    local first = at + 2
    local mark = marked(index)
    if mark == 100 then
        answer(1)
    elseif operations == '0' and mark ~= 106 then
        done(index)
        answer(0)
    elseif operations == '1' and mark ~= 106 and ARGV[first] == 'store' then
        store(ARGV[first + 1], ARGV[first + 2], ARGV[first + 3])
        done(index)
        answer(0)
    else
        conclude(index, mark, first, tonumber(operations))
    end
    return behind(first, tonumber(operations))
end

-- Items that follow one another; nearly all that have a result are of this kind. One with joins to end ends none of them: it is answered as
-- a repeated call. Answers where they end, and how many there are.
local function rows(at)
    local index = tonumber(ARGV[at])
    local size = tonumber(ARGV[at + 2])
    local seconds = ARGV[at + 3]
    local stop = at + 4 + 2 * size
    for place = at + 4, stop - 2, 2 do
        local mark = marked(index)
        if mark == 100 then
            answer(1)
        elseif mark == 106 then
            answer(cjson.decode(redis.call('HGET', joinsKey, index) or '[]'))
        else
            store(ARGV[place], seconds, ARGV[place + 1])
            done(index)
            answer(0)
        end
        index = index + 1
    end
    return stop, size
end

-- The items of an open batch, whose arguments stand from 'at' on. Answers where they end.
local function all(at, count)
    while count > 0 do
        local size = 1
        if ARGV[at + 1] == 'rows' then
            at, size = rows(at)
        else
            at = single(at)
        end
        count = count - size
    end
    return at
end

-- The same for a batch that is no longer the caller's, or was ended before: every item is answered so.
local function none(at, count, value)
    for _ = 1, count do
        answer(value)
    end
    while count > 0 do
        local size = 1
        if ARGV[at + 1] == 'rows' then
            size = tonumber(ARGV[at + 2])
            at = at + 4 + 2 * size
        else
            at = behind(at + 2, tonumber(ARGV[at + 1]))
        end
        count = count - size
    end
    return at
end

-- Whether all of the present batch is ended. What this call has ended in one go, before anything else was, needs no marks.
local function isOver()
    local length = redis.call('LLEN', listKey)
    if marks == '' and from == 0 and pending == length then
        pending = 0
        return true
    end
    flush()
    return string.sub(redis.call('GET', marksKey) or '', 1, length) == string.rep('d', length)
end

-- One batch, whose keys stand from 'key' on, and whose arguments from 'at' on. Answers where they end.
local function batch(key, at, isRegistered)
    local number, closing, count = ARGV[at], ARGV[at + 1] == '1', tonumber(ARGV[at + 2])
    at = at + 3
    now, from, pending = {}, 0, 0
    marksKey, listKey, joinsKey, holdsKey = KEYS[key], KEYS[key + 1], KEYS[key + 2], KEYS[key + 3]
    if not isRegistered or redis.call('HEXISTS', KEYS[2], number) == 0 then
        at = none(at, count, isRegistered and 1 or 2)
        answer(1)
        return at
    end
    marks = redis.call('GET', marksKey) or ''
    at = all(at, count)
    if closing and isOver() then
        redis.call('DEL', marksKey, listKey)
        redis.call('HDEL', KEYS[2], number)
        answer(1)
    else
        flush()
        answer(0)
    end
    return at
end

now, from, pending = {}, 0, 0
local whole, fault = pcall(function()
    local isRegistered = redis.call('EXISTS', KEYS[1]) == 1
    local at = 5
    for key = 5, #KEYS, 4 do
        at = batch(key, at, isRegistered)
    end
end)
if not whole then
    -- What was done before a command that is refused stays done, and is marked so. Where the mark is refused, too, nothing was done.
    pcall(flush)
    -- Not raised again: that would put ERR in front of its code (OOM, MISCONF), which says whether to try again.
    return type(fault) == 'table' and fault or redis.error_reply(fault)
end
return answers
