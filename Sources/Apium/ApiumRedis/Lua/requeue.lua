-- Puts a shelved record back on its list.
-- KEYS 1 the shelf, 2 the shelf's records, 3 the list
-- ARGV 1 id, 2 the record as the caller read it, 3 the message
-- Expects the record unchanged. Answers 1, or 0 when it is gone or another.
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then
    return 0
end
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
redis.call('LPUSH', KEYS[3], ARGV[3])
return 1
