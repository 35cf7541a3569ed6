-- What the scripts share that change what operators and cancellers want: the text of this file stands in front of theirs. Defines a function and
-- does nothing.

-- Begins an epoch, and publishes it. 'said' is '1' when running jobs are stopped, too, else '0', and the ids that are revoked with it: kept beside the
-- epoch while it is one of the last 1,000, so that a session reads only what it does not know (control.lua). An epoch of which nothing is kept (of very
-- many ids, or of an older release) makes the sessions read all.
local function newEpoch(control, channel, said)
    local epoch = redis.call('HINCRBY', control, 'epoch', 1)
    if #said <= 1001 then
        redis.call('HSET', control, 'said:' .. epoch, cjson.encode(said))
    end
    redis.call('HDEL', control, 'said:' .. (epoch - 1000))
    redis.call('PUBLISH', channel, epoch)
    return epoch
end
