-- Puts messages into the scheduled set.
-- KEYS 1 apium:scheduled, 2 apium:scheduled:messages
-- ARGV three values per message: delay in us, member, message
-- Expects nothing: a member holds a nonce. Effect: due at the server's time plus the delay. Answers the number of messages. Repeating
-- moves the time on. Cost: O(log n) per message.
local now = redis.call('TIME')
local time = tonumber(now[1]) * 1000000 + tonumber(now[2])
for at = 1, #ARGV, 3 do
    enter(KEYS[1], KEYS[1], time, tonumber(ARGV[at]), ARGV[at + 1])
    redis.call('HSET', KEYS[2], ARGV[at + 1], ARGV[at + 2])
end
return #ARGV / 3
