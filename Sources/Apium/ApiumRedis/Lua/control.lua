-- Reads the control state, without what has expired.
-- KEYS 1 apium:control, 2 apium:revoked, 3 apium:terminated, 4 apium:revoked:stamps, 5 apium:terminated:stamps, 6 apium:limits, 7 apium:paused,
--      8 apium:revoked:by
-- ARGV none
-- Expects nothing. Effect: what has expired is removed, unless the caller may only read. Answers {epoch, the members of 2 to 5,
-- limits as target, limit, target, limit …, what is paused}. Cost: O(n) in what is revoked, limited and paused; only when the epoch has changed.
local now = redis.call('TIME')
local time = string.format('%.0f', tonumber(now[1]) * 1000)
local answer = {tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')}
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', time)) do
    redis.pcall('HDEL', KEYS[8], id)
end
for at = 2, 5 do
    if redis.call('ZCOUNT', KEYS[at], '-inf', time) > 0 then redis.pcall('ZREMRANGEBYSCORE', KEYS[at], '-inf', time) end
    answer[at] = redis.call('ZRANGEBYSCORE', KEYS[at], '(' .. time, '+inf')
end
answer[6] = redis.call('HGETALL', KEYS[6])
answer[7] = redis.call('HKEYS', KEYS[7])
return answer
