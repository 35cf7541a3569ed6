-- Opens a claim batch and takes fences for what will be moved into it. Sent in front of the LMOVEs, in one pipeline.
-- KEYS 1 apium:worker:<inc>, 2 apium:flight:<inc>, 3 apium:fence, 4 apium:control
-- ARGV 1 batch, 2 source key, 3 number of fences
-- Expects the worker to be registered. Effect: batch -> source key recorded; fences reserved, greater than all before and not
-- below the server's time in microseconds, so that they grow even if this key is lost.
-- Answers {first fence, control epoch}, or -1 when the worker was reaped. Cost: about 4 us, once per claim.
if redis.call('EXISTS', KEYS[1]) == 0 then
    return -1
end
redis.call('HSET', KEYS[2], ARGV[1], ARGV[2])
local now = redis.call('TIME')
local first = tonumber(now[1]) * 1000000 + tonumber(now[2])
local last = tonumber(redis.call('GET', KEYS[3]) or '0')
if last >= first then
    first = last + 1
end
redis.call('SET', KEYS[3], string.format('%.0f', first + tonumber(ARGV[3]) - 1))
return {first, tonumber(redis.call('HGET', KEYS[4], 'epoch') or '0')}
