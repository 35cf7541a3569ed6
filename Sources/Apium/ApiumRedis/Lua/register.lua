-- Registers a worker process.
-- KEYS 1 apium:version, 2 apium:workers, 3 apium:worker:<inc>
-- ARGV 1 our layout version, 2 incarnation, 3… fields and values of the worker's hash
-- Expects a layout that is not newer than ours. Effect: version set if missing, worker added.
-- Answers 0, or the stored version when it is newer (nothing is changed then). Repeating is harmless. Cost: O(1) per field.
local stored = redis.call('GET', KEYS[1])
if stored and (tonumber(stored) or 0) > tonumber(ARGV[1]) then
    return tonumber(stored)
end
if not stored then
    redis.call('SET', KEYS[1], ARGV[1])
end
-- A member that is longer than 64 bytes turns the set into a skip list for as long as the server runs: a renewal finds its worker by a hash then. In the
-- compact form that small sets have it goes through all workers, which takes 10 us and more among a hundred.
local long = string.rep('-', 65)
redis.call('ZADD', KEYS[2], 0, long)
redis.call('ZADD', KEYS[2], 'NX', 0, ARGV[2])
redis.call('ZREM', KEYS[2], long)
redis.call('HSET', KEYS[3], unpack(ARGV, 3))
return 0
