-- Reads the control state, without what has expired.
-- KEYS 1 apium:revoked, 2 apium:control
-- Answers {epoch, revoked ids}.
local now = redis.call('TIME')
redis.call('ZREMRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', tonumber(now[1]) * 1000))
return {tonumber(redis.call('HGET', KEYS[2], 'epoch') or '0'), redis.call('ZRANGE', KEYS[1], 0, -1)}
