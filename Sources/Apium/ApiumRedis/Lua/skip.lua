-- Skips slots of a schedule entry.
-- KEYS 1 apium:beat:marks, 2 apium:beat:generation, 3 apium:beat:versions, 4 apium:schedule:revision, 5 apium:beat:ledger:<entry>
-- ARGV 1 entry, 2 generation, 3 revision, 4 version, 5 the last slot in us, 6 the mark that the caller knows, or '', 7 reason,
--      8 the first slot in us, 9 how many, 10 the greatest number that a record says
-- Expects: as fire.lua.
-- Effect: mark moved to the last slot; one record. If the entry's last record has the same reason, that one grows.
-- Answers {0} done, and the refusals of fire.lua. Cost: O(1).
local asked = {entry = ARGV[1], generation = ARGV[2], revision = ARGV[3], version = ARGV[4], slot = ARGV[5], mark = ARGV[6]}
local refused = refusal({marks = KEYS[1], generation = KEYS[2], versions = KEYS[3], revision = KEYS[4]}, asked)
if refused then
    return refused
end
local first, count = ARGV[8], tonumber(ARGV[9])
local last = redis.call('XREVRANGE', KEYS[5], '+', '-', 'COUNT', 1)[1]
if last then
    local fields = {}
    for at = 1, #last[2], 2 do
        fields[last[2][at]] = last[2][at + 1]
    end
    if fields.outcome == 'skipped' and fields.reason == ARGV[7] and fields.first then
        first, count = fields.first, math.min(count + tonumber(fields.count), tonumber(ARGV[10]))
        redis.call('XDEL', KEYS[5], last[1])
    end
end
redis.call('HSET', KEYS[1], ARGV[1], ARGV[5])
record(KEYS[5], ARGV[5], {'outcome', 'skipped', 'reason', ARGV[7], 'first', first, 'count', string.format('%.0f', count)})
return {0}
