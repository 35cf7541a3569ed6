-- Stores and publishes a result document.
-- KEYS 1 the result's key, which is the channel's name too
-- ARGV 1 seconds to live (0: for ever), 2 document
-- Expects that SUCCESS is not stored: it is never overwritten. Answers 1, or 0 when it is.
local stored = redis.call('GET', KEYS[1])
if stored and string.find(stored, 'SUCCESS', 1, true) then
    local readable, value = pcall(cjson.decode, stored)
    if readable and type(value) == 'table' and value.status == 'SUCCESS' then
        return 0
    end
end
if ARGV[1] == '0' then
    redis.call('SET', KEYS[1], ARGV[2])
else
    redis.call('SET', KEYS[1], ARGV[2], 'EX', ARGV[1])
end
redis.call('PUBLISH', KEYS[1], ARGV[2])
return 1
