-- Deletes what a shelf holds beyond its bounds.
-- KEYS 1 the shelf, 2 the shelf's records, 3… locks of unique jobs
-- ARGV per record: id, its score as the caller read it, the number of its lock among KEYS or '0', the id of the lock's job
-- Expects each record to have that score still: one that was set aside again meanwhile stays. Effect: records deleted, and with each the lock of its
-- job if that job has it. Answers the number deleted. Cost: O(log n) per record.
local gone = 0
for at = 1, #ARGV, 4 do
    local id, lock = ARGV[at], tonumber(ARGV[at + 2])
    if redis.call('ZSCORE', KEYS[1], id) == ARGV[at + 1] then
        redis.call('ZREM', KEYS[1], id)
        redis.call('HDEL', KEYS[2], id)
        if lock > 0 and redis.call('GET', KEYS[lock]) == ARGV[at + 3] then
            redis.call('DEL', KEYS[lock])
        end
        gone = gone + 1
    end
end
return gone
