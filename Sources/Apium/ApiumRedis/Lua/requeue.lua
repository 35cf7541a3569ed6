-- Puts a shelved record back on its list.
-- KEYS 1 the shelf, 2 the shelf's records, 3 the list, 4 apium:unique:<key>, only for a unique job
-- ARGV 1 id, 2 the record as the caller read it, 3 the message, then for a unique job: 4 its id, 5 milliseconds that its lock lives
-- Expects the record unchanged, and a list (or nothing): else WRONGTYPE, and nothing has changed. Effect: the message stands at the back of the list,
-- the record is gone; the lock is taken again, unless another job has it by now: then the job runs without. Answers 1, or 0 when it is gone or another.
-- Cost: O(log n).
if redis.call('HGET', KEYS[2], ARGV[1]) ~= ARGV[2] then
    return 0
end
-- First what the server may refuse: a key that is no list.
redis.call('LPUSH', KEYS[3], ARGV[3])
redis.call('HDEL', KEYS[2], ARGV[1])
redis.call('ZREM', KEYS[1], ARGV[1])
if KEYS[4] then
    redis.call('SET', KEYS[4], ARGV[4], 'NX', 'PX', ARGV[5])
end
return 1
