-- Puts another record in the place of a shelved one.
-- KEYS 1 the shelf's records
-- ARGV 1 id, 2 the record as the caller read it, 3 the new one
-- Expects the record unchanged. Effect: the new one stands in its place. Answers 1, or 0 when it is gone or another. Cost: two look-ups.
if redis.call('HGET', KEYS[1], ARGV[1]) ~= ARGV[2] then
    return 0
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return 1
