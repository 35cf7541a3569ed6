-- Fires one slot of a schedule entry.
-- KEYS 1 apium:beat:marks, 2 apium:beat:generation, 3 apium:beat:versions, 4 apium:schedule:revision, 5 apium:beat:ledger:<entry>,
--      6 apium:beat:run:<entry>, 7 apium:beat:waiting:<entry>, 8 the job's list, 9 apium:scheduled, 10 apium:scheduled:messages,
--      11 apium:revoked, 12 apium:terminated, 13 apium:control
-- ARGV 1 entry, 2 generation, 3 revision, 4 version, 5 slot in us, 6 the mark that the caller knows, or '', 7 outcome: fired or caught_up,
--      8 message, 9 job id, 10 delay in us, or '' for now, 11 member, 12 overlap: allow, skip, queue or cancel, 13 its limit in ms,
--      14 how many may wait, 15 the prefix of results, 16 ms to keep a revoke
-- Expects: generation, revision, version and mark as given, the slot not after the server's time, KEYS 8 a list or nothing (else WRONGTYPE, and the
--      slot is not taken).
-- Effect: job pushed or scheduled, or waiting, or the slot skipped, as the overlap says; mark moved; one record in the ledger.
-- Cost: O(1), O(log n) for a job that is scheduled.
-- Answers {0} done, {1, mark} another mark, {2} stale generation, {3} stale revision, {4} stale version, {5, us} early,
--      {6, job} skipped for that job, {7, job} waiting for it.
local asked = {entry = ARGV[1], generation = ARGV[2], revision = ARGV[3], version = ARGV[4], slot = ARGV[5], mark = ARGV[6]}
local refused = refusal({marks = KEYS[1], generation = KEYS[2], versions = KEYS[3], revision = KEYS[4]}, asked)
if refused then
    return refused
end

local function push()
    if ARGV[10] == '' then
        redis.call('LPUSH', KEYS[8], ARGV[8])
    else
        enter(KEYS[9], KEYS[9], microseconds(), tonumber(ARGV[10]), ARGV[11])
        redis.call('HSET', KEYS[10], ARGV[11], ARGV[8])
    end
end

local function cancel(job)
    local now = redis.call('TIME')
    local ends = string.format('%.0f', tonumber(now[1]) * 1000 + tonumber(ARGV[16]))
    redis.call('ZADD', KEYS[11], ends, job)
    redis.call('ZADD', KEYS[12], ends, job)
    newEpoch(KEYS[13], KEYS[13], {'1', job})
end

local overlap = ARGV[12]
local held = nil
if overlap ~= 'allow' then
    held = holder(KEYS[6], ARGV[15])
    if not held and overlap == 'queue' then
        advance(KEYS[6], KEYS[7])
        held = redis.call('GET', KEYS[6])
    end
end

local function mark()
    redis.call('HSET', KEYS[1], ARGV[1], ARGV[5])
end

if held and overlap == 'skip' then
    mark()
    record(KEYS[5], ARGV[5], {'outcome', 'skipped', 'reason', 'overlap', 'blocker', held})
    return {6, held}
end
if held and overlap == 'queue' then
    mark()
    if redis.call('LLEN', KEYS[7]) >= tonumber(ARGV[14]) then
        record(KEYS[5], ARGV[5], {'outcome', 'skipped', 'reason', 'queue_full', 'blocker', held})
        return {6, held}
    end
    redis.call('LPUSH', KEYS[7], ARGV[13] .. '\0' .. ARGV[9] .. '\0' .. KEYS[8] .. '\0' .. ARGV[8])
    record(KEYS[5], ARGV[5], {'outcome', ARGV[7], 'job', ARGV[9], 'blocker', held})
    return {7, held}
end
-- The push comes first: where it is refused (the key is no list) the slot is not taken, and nothing has changed.
push()
mark()
if held then
    cancel(held)
end
if overlap ~= 'allow' then
    redis.call('SET', KEYS[6], ARGV[9], 'PX', ARGV[13])
end
local fields = {'outcome', ARGV[7], 'job', ARGV[9]}
if held then
    fields[5] = 'blocker'
    fields[6] = held
end
record(KEYS[5], ARGV[5], fields)
return {0}
