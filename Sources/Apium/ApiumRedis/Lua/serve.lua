-- Notes which queues a worker serves from now on.
-- KEYS 1 apium:worker:<inc>
-- ARGV 1 the queues, with commas between
-- Expects the worker to be registered. Effect: the queues stand in its register. Answers 1, or 0 when it is not registered. Cost: O(1).
if redis.call('EXISTS', KEYS[1]) == 0 then
    return 0
end
redis.call('HSET', KEYS[1], 'queues', ARGV[1])
return 1
