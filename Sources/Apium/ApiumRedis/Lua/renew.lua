-- Renews a lease.
-- KEYS 1 apium:worker:<inc>, 2 apium:control
-- Expects the worker to be registered. Effect: its counter grows; observers compare nothing else.
-- Answers {counter, control epoch}, or -1 when the worker was reaped.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return -1
end
return {redis.call('HINCRBY', KEYS[1], 'beat', 1), tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0')}
