-- Opens claim batches and takes fences for what was moved into them. Sent behind the LMOVEs, or the BLMOVE of a read, in one pipeline, and behind
-- an HSET that registers the batches as idle: a fence that was taken before a move could be lower than that of a run which began and was lost
-- in between.
-- KEYS 1 apium:worker:<inc>, 2 apium:flight:<inc>, 3 apium:fence, 4 apium:control, 5 apium:reaped
-- ARGV 1 incarnation; then per batch: its number, source key, number of fences
-- Expects the worker to be registered; what is done when it is not stands below.
-- Effect: batch -> source key recorded, and idle:<batch> when there are no fences: a blocked read is to fill it, and what it brings is
-- given to nobody before the batch is opened again with fences. If the worker is registered: fences reserved, greater than all before and not below the
-- server's time in microseconds, so that they grow even if this key is lost. If it was reaped: noted among the reaped, because the
-- LMOVEs before this call in its pipeline have moved all the same, and what they moved must be found should the worker die now.
-- Answers {first fence (0: none was asked for), control epoch}, or -1 when the worker was reaped. The fences of a batch follow those of the one
-- before it. Cost: about 4 us, once per claim, and 1 us per batch.
local opened = {}
local fences = 0
for at = 2, #ARGV, 3 do
    local wanted = tonumber(ARGV[at + 2])
    if wanted == 0 then
        redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1], 'idle:' .. ARGV[at], '1')
    else
        redis.call('HSET', KEYS[2], ARGV[at], ARGV[at + 1])
        opened[#opened + 1] = 'idle:' .. ARGV[at]
        fences = fences + wanted
    end
end
for from = 1, #opened, 1000 do
    redis.call('HDEL', KEYS[2], unpack(opened, from, math.min(from + 999, #opened)))
end
local now = redis.call('TIME')
if redis.call('EXISTS', KEYS[1]) == 0 then
    redis.call('ZADD', KEYS[5], now[1] .. string.format('%03d', math.floor(tonumber(now[2]) / 1000)), ARGV[1])
    return -1
end
local epoch = tonumber(redis.call('HGET', KEYS[4], 'epoch') or '0')
if fences == 0 then
    return {0, epoch}
end
local first = tonumber(now[1]) * 1000000 + tonumber(now[2])
local last = tonumber(redis.call('SET', KEYS[3], string.format('%.0f', first + fences - 1), 'GET') or '0')
if last >= first then
    first = last + 1
    redis.call('SET', KEYS[3], string.format('%.0f', first + fences - 1))
end
return {first, epoch}
