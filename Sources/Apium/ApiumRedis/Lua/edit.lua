-- Edits the dynamic store of a schedule.
-- KEYS 1 apium:schedule:edits, 2 apium:schedule:revision, 3 apium:schedule:audit, 4 apium:schedule:changes (a channel)
-- ARGV 1 editor, 2 action, 3 about how many lines of the audit are kept, then five values per edit: entry, '1' when something stands there,
--      that, '1' when something shall stand there, that
-- Expects: every entry is as its editor read it.
-- Effect: all edits; a line in the audit for each; where one of them changes something, the revision grows and that is published.
-- Answers the revision, or -1 when an entry is not as it was read: nothing is changed then. Cost: O(1) per edit.
for at = 4, #ARGV, 5 do
    local stored = redis.call('HGET', KEYS[1], ARGV[at])
    if (stored and '1' or '0') ~= ARGV[at + 1] or (stored and stored ~= ARGV[at + 2]) then
        return -1
    end
end
local changes = false
for at = 4, #ARGV, 5 do
    if ARGV[at + 1] ~= ARGV[at + 3] or ARGV[at + 2] ~= ARGV[at + 4] then
        changes = true
        if ARGV[at + 3] == '1' then
            redis.call('HSET', KEYS[1], ARGV[at], ARGV[at + 4])
        else
            redis.call('HDEL', KEYS[1], ARGV[at])
        end
    end
    local fields = {'entry', ARGV[at], 'editor', ARGV[1], 'action', ARGV[2], 'at', string.format('%.0f', microseconds())}
    if ARGV[at + 1] == '1' then
        fields[#fields + 1] = 'before'
        fields[#fields + 1] = ARGV[at + 2]
    end
    if ARGV[at + 3] == '1' then
        fields[#fields + 1] = 'after'
        fields[#fields + 1] = ARGV[at + 4]
    end
    redis.call('XADD', KEYS[3], 'MAXLEN', '~', ARGV[3], '*', unpack(fields))
end
if not changes then
    return tonumber(redis.call('GET', KEYS[2]) or '0')
end
local revision = redis.call('INCR', KEYS[2])
redis.call('PUBLISH', KEYS[4], 'edited')
return revision
