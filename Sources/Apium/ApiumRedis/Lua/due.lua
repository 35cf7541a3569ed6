-- What the scripts share that let a job wait for its time: the text of this file stands in front of theirs. Defines a function and does nothing.

-- Enters when something is due, 'delay' microseconds from 'now'. The janitor looks at least every half second, and sleeps until the first one that it
-- knows: what is due sooner and comes first is told to it. Where the caller may not publish it is late by as much.
local function enter(set, channel, now, delay, member)
    redis.call('ZADD', set, string.format('%.0f', now + delay), member)
    if delay < 1000000 and redis.call('ZRANGE', set, 0, 0)[1] == member then
        redis.pcall('PUBLISH', channel, string.format('%.0f', math.max(0, delay)))
    end
end
