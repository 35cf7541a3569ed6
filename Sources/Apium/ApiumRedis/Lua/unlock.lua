-- Ends the lock of a unique job by hand.
-- KEYS 1 apium:unique:<key>
-- ARGV 1 the id of the job that has it
-- Expects that job to have it. Effect: the lock is gone. Answers 1, or 0 when that job has it not. Cost: O(1).
if redis.call('GET', KEYS[1]) ~= ARGV[1] then
    return 0
end
return redis.call('DEL', KEYS[1])
