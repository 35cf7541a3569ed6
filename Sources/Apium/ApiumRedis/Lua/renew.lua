-- Renews a lease on a server that has reached its maxmemory. Elsewhere one ZADD XX INCR does it.
-- KEYS 1 apium:workers, 2 apium:control, 3 apium:janitor
-- ARGV 1 incarnation
-- Expects the worker to be registered. Effect: its counter grows; observers compare nothing else.
-- Answers {counter, or nothing when the worker was reaped; control epoch; 1 while somebody has the shared duties, else 0}. Cost: about 3 us.
-- A full server refuses the first write of a script if that may need memory, and no later one: PERSIST needs none and does nothing here, and so
-- a full server takes nobody's lease.
redis.call('PERSIST', KEYS[1])
return {redis.call('ZADD', KEYS[1], 'XX', 'INCR', 1, ARGV[1]), tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0'), redis.call('EXISTS', KEYS[3])}
