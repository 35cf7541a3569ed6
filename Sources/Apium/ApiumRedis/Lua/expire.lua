-- Takes a worker's lease away, or ends it.
-- KEYS 1 apium:worker:<inc>, 2 apium:workers, 3 apium:reaped
-- ARGV 1 incarnation, 2 the counter that the caller saw unchanged, or '' for any
-- Expects that counter still. Effect: the worker is gone from the register and noted as reaped; from now on it is refused everywhere.
-- Answers 1, or 0 when it has renewed meanwhile. Repeating is harmless. Cost: O(log n), n the reaped of seven days.
local beat = redis.call('ZSCORE', KEYS[2], ARGV[1])
if ARGV[2] ~= '' and beat and beat ~= ARGV[2] then
    return 0
end
local now = redis.call('TIME')
redis.call('DEL', KEYS[1])
redis.call('ZREM', KEYS[2], ARGV[1])
redis.call('ZADD', KEYS[3], now[1] .. string.format('%03d', math.floor(tonumber(now[2]) / 1000)), ARGV[1])
return 1
