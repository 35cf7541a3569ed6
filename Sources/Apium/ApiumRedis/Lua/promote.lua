-- Moves due messages from the scheduled set to their lists.
-- KEYS 1 apium:scheduled, 2 apium:scheduled:messages, 3 apium:waiting
-- ARGV 1 the most to move in one step
-- Expects nothing. Effect: each due message (a member is <task id> NUL <list> NUL <nonce>) is pushed to its list and removed here, earliest first.
-- One whose list cannot be pushed to (the key is no list) waits a minute more, so that it is neither lost nor in the way of others.
-- Answers {number moved, microseconds until the next one is due or -1 when none waits, microseconds until release.lua has
-- something to look at or -1}. Cost: O(log n) per message moved, O(log n) without any.
local now = redis.call('TIME')
local time = tonumber(now[1]) * 1000000 + tonumber(now[2])
local due = redis.call('ZRANGEBYSCORE', KEYS[1], '-inf', string.format('%.0f', time), 'LIMIT', 0, ARGV[1])
for _, member in ipairs(due) do
    local message = redis.call('HGET', KEYS[2], member)
    local list = string.match(member, '^.*%z(.*)%z[^%z]*$')
    local pushed = 1
    if message and list then
        pushed = redis.pcall('LPUSH', list, message)
    end
    if type(pushed) == 'table' and pushed.err then
        redis.call('ZADD', KEYS[1], string.format('%.0f', time + 60000000), member)
    else
        redis.call('HDEL', KEYS[2], member)
        redis.call('ZREM', KEYS[1], member)
    end
end
local function untilNext(set)
    local first = redis.call('ZRANGE', set, 0, 0, 'WITHSCORES')
    return first[2] and math.max(0, tonumber(first[2]) - time) or -1
end
return {#due, untilNext(KEYS[1]), untilNext(KEYS[3])}
