-- Cancels jobs by id.
-- KEYS 1 apium:revoked, 2 apium:control
-- ARGV 1 milliseconds to keep, 2 the channel, 3… ids
-- Effect: ids kept until then, epoch grows and is published. Answers the epoch.
local now = redis.call('TIME')
local ends = tonumber(now[1]) * 1000 + tonumber(ARGV[1])
for at = 3, #ARGV do
    redis.call('ZADD', KEYS[1], string.format('%.0f', ends), ARGV[at])
end
local epoch = redis.call('HINCRBY', KEYS[2], 'epoch', 1)
redis.call('PUBLISH', ARGV[2], epoch)
return epoch
