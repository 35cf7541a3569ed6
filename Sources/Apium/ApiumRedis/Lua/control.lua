-- Reads the control state, without what has expired.
-- KEYS 1 apium:control, 2 apium:revoked, 3 apium:terminated, 4 apium:revoked:stamps, 5 apium:terminated:stamps, 6 apium:limits, 7 apium:paused,
--      8 apium:revoked:by
-- ARGV 1 the epoch that the caller knows, or '', 2 how many revoked ids it knows
-- Expects nothing. Effect: what has expired is removed, unless the caller may only read. Answers {epoch, the members of 2 to 5,
-- limits as target, limit, target, limit …, what is paused, 1 when of 2 and 3 there is only what was said after the caller's epoch, else 0}. They are all
-- there when an epoch since then is none of those that are kept, or when the caller knows far more than there are, the others having expired.
-- Cost: O(n) in what is new, limited and paused; in all that is revoked for who knows nothing. Only when the epoch has changed.
local now = redis.call('TIME')
local time = string.format('%.0f', tonumber(now[1]) * 1000)
local epoch = tonumber(redis.call('HGET', KEYS[1], 'epoch') or '0')
for _, id in ipairs(redis.call('ZRANGEBYSCORE', KEYS[2], '-inf', time)) do
    redis.pcall('HDEL', KEYS[8], id)
end
for at = 2, 5 do
    if redis.call('ZCOUNT', KEYS[at], '-inf', time) > 0 then redis.pcall('ZREMRANGEBYSCORE', KEYS[at], '-inf', time) end
end

-- The ids said after the caller's epoch, and those of them that are stopped when they run; nil when that is not known.
local function news()
    local known = tonumber(ARGV[1])
    if not known or known > epoch or epoch - known > 1000 or tonumber(ARGV[2]) > 2 * redis.call('ZCARD', KEYS[2]) + 1000 then
        return nil
    end
    local revoked, terminated = {}, {}
    for at = known + 1, epoch do
        local kept = redis.call('HGET', KEYS[1], 'said:' .. at)
        if not kept then
            return nil
        end
        local said = cjson.decode(kept)
        for place = 2, #said do
            revoked[#revoked + 1] = said[place]
            if said[1] == '1' then
                terminated[#terminated + 1] = said[place]
            end
        end
    end
    return revoked, terminated
end

local function members(at)
    return redis.call('ZRANGEBYSCORE', KEYS[at], '(' .. time, '+inf')
end

local revoked, terminated = news()
local limits, paused = redis.call('HGETALL', KEYS[6]), redis.call('HKEYS', KEYS[7])
return {epoch, revoked or members(2), terminated or members(3), members(4), members(5), limits, paused, revoked and 1 or 0}
