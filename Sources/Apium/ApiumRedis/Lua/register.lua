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
redis.call('ZADD', KEYS[2], 'NX', 0, ARGV[2])
redis.call('HSET', KEYS[3], unpack(ARGV, 3))
return 0
