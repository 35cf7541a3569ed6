-- Ends deliveries of one claim batch: results, follow-ups, parts of chords and mark of each in one step.
-- KEYS 1 apium:worker:<inc>, 2 apium:flight:<inc>, 3 apium:marks:<inc>:<batch>, 4 apium:flight:<inc>:<batch>,
--      5 apium:scheduled, 6 apium:scheduled:messages, 7 apium:joins:<inc>:<batch>, 8 apium:holds:<inc>:<batch>, only with 'yield'
-- ARGV 1 batch, 2 '1' when the caller has now ended all of the batch that it knows, 3 number of items, then of chords: 4 ordered,
--      5 expires, 6 group expires, 7 seconds of a claim; then per item: index, number of operations, and the operations, as below; or for
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
-- Effect per item: the operations in their order. While it has joins to end it is marked 'j', with them in KEYS 7, else 'd'.
-- With ARGV 2 the batch is deleted when all of its list is marked 'd'.
-- Answers per item: 0 done, 1 done before, 2 taken, or a list of groups and tokens: the joins; then 0 if the batch is still there, else 1.
-- Repeating is harmless. Cost: about 3 us per item with a result, less in rows, 1 us without.
local count = tonumber(ARGV[3])
local answers = {}
local state = 0
if redis.call('EXISTS', KEYS[1]) == 0 then
    state = 2
elseif redis.call('HEXISTS', KEYS[2], ARGV[1]) == 0 then
    state = 1
end
if state ~= 0 then
    for item = 1, count do
        answers[item] = state
    end
    answers[count + 1] = 1
    return answers
end

local settings = {ordered = ARGV[4], expires = ARGV[5], groupExpires = ARGV[6], claimed = ARGV[7]}
local widths = {close = 4, abandon = 4, store = 4, push = 3, later = 4, shelf = 4, aside = 4, part = 7, turn = 4, yield = 2, free = 3, keep = 4}
local holdings

local function run(verb, at, joins, index)
    if verb == 'store' then
        store(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
    elseif verb == 'push' then
        redis.call('LPUSH', ARGV[at + 1], ARGV[at + 2])
    elseif verb == 'later' then
        enter(KEYS[5], KEYS[5], microseconds(), tonumber(ARGV[at + 1]), ARGV[at + 2])
        redis.call('HSET', KEYS[6], ARGV[at + 2], ARGV[at + 3])
    elseif verb == 'shelf' then
        shelve(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
    elseif verb == 'aside' then
        -- It stands in the batch until all of that is ended; were it not there this would fail, and nothing be lost.
        shelve(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3] .. redis.call('LINDEX', KEYS[4], index))
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
        holdings = holdings or permits(string.match(KEYS[8], '^(.*)holds:[^:]+:%d+$'))
        holdings.giveBack(KEYS[8], ARGV[at + 1])
    elseif redis.call('GET', ARGV[at + 1]) == ARGV[at + 2] then
        if verb == 'free' then
            redis.call('DEL', ARGV[at + 1])
        else
            redis.call('PEXPIRE', ARGV[at + 1], ARGV[at + 3])
        end
    end
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

local marks = redis.call('GET', KEYS[3]) or ''
local now = {}

-- Items that follow one another are marked 'd' by one write: from 'from' on, so many.
local from = 0
local pending = 0
local function flush()
    if pending > 0 then
        redis.call('SETRANGE', KEYS[3], from, string.rep('d', pending))
        pending = 0
    end
end
local function done(index)
    if pending == 0 or index ~= from + pending then
        flush()
        from = index
    end
    pending = pending + 1
    now[index] = 100
end

-- One item with joins, old or new.
local function conclude(item, index, mark, first, operations)
    local stored = mark == 106 and (redis.call('HGET', KEYS[7], index) or '[]')
    local joins = complete(stored and cjson.decode(stored) or {}, mark == 106, first, operations, index)
    if joins == nil then
        answers[item] = cjson.decode(stored)
    elseif #joins > 0 then
        redis.call('SETRANGE', KEYS[3], index, 'j')
        redis.call('HSET', KEYS[7], index, cjson.encode(joins))
        now[index] = 106
        answers[item] = joins
    else
        done(index)
        if stored then
            redis.call('HDEL', KEYS[7], index)
        end
        answers[item] = 0
    end
end

-- One item. Answers where the next one stands.
local function single(item, at)
    local index = tonumber(ARGV[at])
    local operations = tonumber(ARGV[at + 1])
    local mark = now[index] or string.byte(marks, index + 1)
    local first = at + 2
    if mark == 100 then
        answers[item] = 1
    elseif mark ~= 106 and (operations == 0 or (operations == 1 and ARGV[first] == 'store')) then
        -- What ends with a result, or with nothing, and is not part of rows.
        if operations == 1 then
            store(ARGV[first + 1], ARGV[first + 2], ARGV[first + 3])
        end
        done(index)
        answers[item] = 0
    else
        conclude(item, index, mark, first, operations)
    end
    at = first
    for _ = 1, operations do
        at = at + widths[ARGV[at]]
    end
    return at
end

-- Items that follow one another; nearly all are of this kind. One with joins to end ends none of them: it is answered as a repeated call.
-- Answers the next item, and where it stands.
local function rows(item, at)
    local index = tonumber(ARGV[at])
    local seconds = ARGV[at + 3]
    local stop = at + 4 + 2 * tonumber(ARGV[at + 2])
    for place = at + 4, stop - 2, 2 do
        local mark = now[index] or string.byte(marks, index + 1)
        if mark == 100 then
            answers[item] = 1
        elseif mark == 106 then
            answers[item] = cjson.decode(redis.call('HGET', KEYS[7], index) or '[]')
        else
            store(ARGV[place], seconds, ARGV[place + 1])
            done(index)
            answers[item] = 0
        end
        item = item + 1
        index = index + 1
    end
    return item, stop
end

local function all()
    local item = 1
    local at = 8
    while item <= count do
        if ARGV[at + 1] == 'rows' then
            item, at = rows(item, at)
        else
            at = single(item, at)
            item = item + 1
        end
    end
end

-- What was done before a command that is refused stays done, and is marked so.
local whole, fault = pcall(all)
flush()
if not whole then
    -- Not raised again: that would put ERR in front of its code (OOM, MISCONF), which says whether to try again.
    return type(fault) == 'table' and fault or redis.error_reply(fault)
end
answers[count + 1] = 0
if ARGV[2] == '1' then
    local _, ended = string.gsub(redis.call('GET', KEYS[3]) or '', 'd', '')
    if ended >= redis.call('LLEN', KEYS[4]) then
        redis.call('DEL', KEYS[3], KEYS[4])
        redis.call('HDEL', KEYS[2], ARGV[1])
        answers[count + 1] = 1
    end
end
return answers
