-- Renews a lease.
-- KEYS 1 apium:worker:<inc>, 2 apium:control
-- ARGV none
-- Expects the worker to be registered. Effect: its counter grows; observers compare nothing else.
-- Answers {counter, control epoch}, or -1 when the worker was reaped. Cost: about 2 us, five times in a lease.
-- A server at its maxmemory refuses the first write of a script if that may need memory, and no later one: PERSIST needs none and does
-- nothing here, and so a full server takes nobody's lease.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return -1
end
redis.call('PERSIST', KEYS[1])
return {redis.call('HINCRBY', KEYS[1], 'beat', 1), tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0')}
