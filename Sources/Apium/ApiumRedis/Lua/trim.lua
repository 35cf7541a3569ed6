-- Deletes what a shelf holds beyond its bounds of age and size, oldest first.
-- KEYS 1 the shelf, 2 the shelf's records
-- ARGV 1 greatest age in us, 2 greatest number, 3 the most to delete in one step
-- Expects nothing. Effect: records deleted, by age first. Answers the number deleted. Cost: O(log n) per record.
local now = redis.call('TIME')
local oldest = tonumber(now[1]) * 1000000 + tonumber(now[2]) - tonumber(ARGV[1])
local gone = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', oldest), 'LIMIT', 0, ARGV[3])
local excess = redis.call('ZCARD', KEYS[1]) - tonumber(ARGV[2])
if #gone == 0 and excess > 0 then
    gone = redis.call('ZRANGE', KEYS[1], 0, math.min(excess, tonumber(ARGV[3])) - 1)
end
for _, id in ipairs(gone) do
    redis.call('ZREM', KEYS[1], id)
    redis.call('HDEL', KEYS[2], id)
end
return #gone
