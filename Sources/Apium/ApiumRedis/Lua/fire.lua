-- Fires one slot of a schedule entry.
-- KEYS 1 apium:beat:marks, 2 apium:beat:generation, 3 apium:beat:ledger, 4 the job's list, or any key when there is no job,
--      5 apium:scheduled, 6 apium:scheduled:messages
-- ARGV 1 entry, 2 generation, 3 slot in us, 4 '1' when there is a job, 5 message, 6 job id, 7 delay in us, or '' for now, 8 member
-- Expects: the generation is not older than the stored one, the slot is not after the server's time, and after the entry's mark.
-- Effect: generation stored, job pushed or scheduled, mark moved, one line in the ledger (the last 10,000 are kept).
-- Answers {0} fired, {1} fired before, {2} stale generation, {3, microseconds} early.
local generation = tonumber(redis.call('GET', KEYS[2]) or '0')
if tonumber(ARGV[2]) < generation then
    return {2}
end
if tonumber(ARGV[2]) > generation then
    redis.call('SET', KEYS[2], ARGV[2])
end
local now = redis.call('TIME')
local early = tonumber(ARGV[3]) - (tonumber(now[1]) * 1000000 + tonumber(now[2]))
if early > 0 then
    return {3, early}
end
local mark = redis.call('HGET', KEYS[1], ARGV[1])
if mark and tonumber(mark) >= tonumber(ARGV[3]) then
    return {1}
end
if ARGV[4] == '1' then
    if ARGV[7] == '' then
        redis.call('LPUSH', KEYS[4], ARGV[5])
    else
        local due = tonumber(now[1]) * 1000000 + tonumber(now[2]) + tonumber(ARGV[7])
        redis.call('ZADD', KEYS[5], string.format('%.0f', due), ARGV[8])
        redis.call('HSET', KEYS[6], ARGV[8], ARGV[5])
    end
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', '10000', '*', 'entry', ARGV[1], 'slot', ARGV[3], 'id', ARGV[6])
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[3])
return {0}
