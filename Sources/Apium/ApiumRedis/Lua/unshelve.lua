-- Deletes a shelved record.
-- KEYS 1 the shelf, 2 the shelf's records, 3 apium:unique:<key>, only for a unique job
-- ARGV 1 id, 2 the unique job's id
-- Expects the record to be there. Effect: it is gone, and with it the job's lock if it has it. Answers 1, or 0 when it was not there.
-- Cost: O(log n).
local gone = redis.call('ZREM', KEYS[1], ARGV[1]) + redis.call('HDEL', KEYS[2], ARGV[1])
if gone == 0 then
    return 0
end
if KEYS[3] and redis.call('GET', KEYS[3]) == ARGV[2] then
    redis.call('DEL', KEYS[3])
end
return 1
