-- Revokes jobs by id and by stamp.
-- KEYS 1 apium:revoked, 2 apium:terminated, 3 apium:revoked:stamps, 4 apium:terminated:stamps, 5 apium:control, 6 apium:revoked:by
-- ARGV 1 milliseconds to keep, 2 the channel, 3 '1' when running jobs are stopped too, 4 who says so or '', 5 number of ids, 6… the ids, then the
--      stamps
-- Expects nothing. Effect: ids and stamps kept until then, and with the ids who was the first to say so; epoch grows and is published, and up to 1,000
-- ids are kept beside it for those who know the one before. Answers the epoch. Cost: O(log n) for each.
local now = redis.call('TIME')
local ends = string.format('%.0f', tonumber(now[1]) * 1000 + tonumber(ARGV[1]))
local ids = tonumber(ARGV[5])
local said = {ARGV[3]}
for at = 6, #ARGV do
    local isID = at < 6 + ids
    redis.call('ZADD', isID and KEYS[1] or KEYS[3], ends, ARGV[at])
    if ARGV[3] == '1' then
        redis.call('ZADD', isID and KEYS[2] or KEYS[4], ends, ARGV[at])
    end
    if isID then
        said[#said + 1] = ARGV[at]
        if ARGV[4] ~= '' then
            redis.call('HSETNX', KEYS[6], ARGV[at], ARGV[4])
        end
    end
end
redis.call('PEXPIRE', KEYS[6], ARGV[1])
return newEpoch(KEYS[5], ARGV[2], said)
