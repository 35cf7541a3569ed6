-- Ends deliveries of one claim batch: result, follow-ups and mark of each in one step.
-- KEYS 1 apium:worker:<inc>, 2 apium:flight:<inc>, 3 apium:marks:<inc>:<batch>, 4 apium:flight:<inc>:<batch>,
--      5 apium:scheduled, 6 apium:scheduled:messages
-- ARGV 1 batch, 2 '1' when the caller has now ended all of the batch that it knows, 3 number of items, then per item:
--      index, result key or '', its seconds to live (0: for ever), '1' if the document is SUCCESS, document,
--      number of follow-ups, then per follow-up four values:
--      'push', list, message, '' | 'later', delay in us, member, message | 'shelf', shelf key, id, record
-- Expects the worker to be registered (else every item is taken), the batch to be open (else it was ended before), the item not to be
-- marked done. Effect per item: a document is stored and published unless SUCCESS is stored and this is another state;
-- follow-ups run; the item is marked 'd'. With ARGV 2 the batch is deleted when all of its list is marked.
-- Answers one number per item: 0 done, 1 done before, 2 taken; then 0 if the batch is still there, else 1. Repeating is harmless.
-- Cost: about 3 us per item with a result, 1 us without.
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

local function store(key, ttl, success, document)
    if success ~= '1' then
        local stored = redis.call('GET', key)
        if stored and string.find(stored, 'SUCCESS', 1, true) then
            local readable, value = pcall(cjson.decode, stored)
            if readable and type(value) == 'table' and value.status == 'SUCCESS' then
                return
            end
        end
    end
    if ttl == '0' then
        redis.call('SET', key, document)
    else
        redis.call('SET', key, document, 'EX', ttl)
    end
    redis.call('PUBLISH', key, document)
end

local function microseconds()
    local now = redis.call('TIME')
    return tonumber(now[1]) * 1000000 + tonumber(now[2])
end

local marks = redis.call('GET', KEYS[3]) or ''
local ended = {}
local at = 4
for item = 1, count do
    local index = tonumber(ARGV[at])
    local follow = tonumber(ARGV[at + 5])
    if ended[index] or string.byte(marks, index + 1) == 100 then
        answers[item] = 1
    else
        if ARGV[at + 1] ~= '' then
            store(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4])
        end
        for number = 0, follow - 1 do
            local base = at + 6 + number * 4
            local verb = ARGV[base]
            if verb == 'push' then
                redis.call('LPUSH', ARGV[base + 1], ARGV[base + 2])
            elseif verb == 'later' then
                local due = string.format('%.0f', microseconds() + tonumber(ARGV[base + 1]))
                redis.call('ZADD', KEYS[5], due, ARGV[base + 2])
                redis.call('HSET', KEYS[6], ARGV[base + 2], ARGV[base + 3])
            elseif verb == 'shelf' then
                redis.call('ZADD', ARGV[base + 1], string.format('%.0f', microseconds()), ARGV[base + 2])
                redis.call('HSET', ARGV[base + 1] .. ':messages', ARGV[base + 2], ARGV[base + 3])
            end
        end
        redis.call('SETRANGE', KEYS[3], index, 'd')
        ended[index] = true
        answers[item] = 0
    end
    at = at + 6 + follow * 4
end
answers[count + 1] = 0
if ARGV[2] == '1' then
    local _, done = string.gsub(redis.call('GET', KEYS[3]) or '', 'd', '')
    if done >= redis.call('LLEN', KEYS[4]) then
        redis.call('DEL', KEYS[3], KEYS[4])
        redis.call('HDEL', KEYS[2], ARGV[1])
        answers[count + 1] = 1
    end
end
return answers
