-- Lets go what waits and may run now, of the holds whose time to look has come.
-- KEYS 1 apium:waiting
-- ARGV 1 the most holds to look at in one step
-- Expects nothing. Effect: see permits.lua. Cost: O(log n) per hold, n the holds that wait, and what permits.lua says.
-- Answers {number of holds looked at, microseconds until the next look or -1 when nobody waits}.
local prefix = string.match(KEYS[1], '^(.*)waiting$')
local now = redis.call('TIME')
local time = tonumber(now[1]) * 1000000 + tonumber(now[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', time), 'LIMIT', 0, ARGV[1])
local holds = permits(prefix)
for _, hold in ipairs(due) do
    holds.release(hold)
end
local first = redis.call('ZRANGE', KEYS[1], 0, 0, 'WITHSCORES')
if first[2] then
    return {#due, math.max(0, tonumber(first[2]) - time)}
end
return {#due, -1}
