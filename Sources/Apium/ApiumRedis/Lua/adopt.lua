-- Puts the entries of a schedule in force, and says from where each of them goes on.
-- KEYS 1 apium:beat:marks, 2 apium:beat:generation, 3 apium:beat:versions, 4 apium:beat:since, 5 apium:beat:entries,
--      6 apium:schedule:revision, 7 apium:schedule:changes (a channel)
-- ARGV 1 generation, 2 revision, 3 the prefixes of ledgers, 4 runs and 5 waiting lists, 6 seconds that the records of an entry are kept
--      that has left, 7 the prefix of results, then four values per entry: name, version, definition or '', '1' when its jobs may wait
-- Expects: the generation is not older than the stored one, the revision is the stored one.
-- Effect: generation stored; an entry whose version is new has been in force since the server's time; entries that are not named leave
--         versions, since and definitions (their marks stay), and what waits of them is enqueued. Of entries whose jobs may wait, the next
--         one is enqueued if none has its turn. Where something is new, that is published.
-- Cost: O(1) per entry that is named or known; once per start of a beat, and per change of the schedule.
-- Answers {0, then a pair for each entry: in force since, and the mark or false, both in us}, {2} stale generation, {3} stale revision.
local stored = redis.call('GET', KEYS[2])
if tonumber(ARGV[1]) < tonumber(stored or '0') then
    return {2}
end
if ARGV[2] ~= (redis.call('GET', KEYS[6]) or '0') then
    return {3}
end
local isNew = stored ~= ARGV[1]
if isNew then
    redis.call('SET', KEYS[2], ARGV[1])
end
local now = string.format('%.0f', microseconds())
local named = {}
local answer = {0}
for i = 8, #ARGV, 4 do
    local entry = ARGV[i]
    named[entry] = true
    if redis.call('HGET', KEYS[3], entry) ~= ARGV[i + 1] then
        isNew = true
        redis.call('HSET', KEYS[3], entry, ARGV[i + 1])
        redis.call('HSET', KEYS[4], entry, now)
        redis.call('PERSIST', ARGV[3] .. entry)
    end
    if ARGV[i + 2] == '' then
        redis.call('HDEL', KEYS[5], entry)
    elseif redis.call('HGET', KEYS[5], entry) ~= ARGV[i + 2] then
        redis.call('HSET', KEYS[5], entry, ARGV[i + 2])
    end
    if ARGV[i + 3] == '1' and not holder(ARGV[4] .. entry, ARGV[7]) then
        advance(ARGV[4] .. entry, ARGV[5] .. entry)
    end
    answer[#answer + 1] = redis.call('HGET', KEYS[4], entry) or now
    answer[#answer + 1] = redis.call('HGET', KEYS[1], entry)
end
for _, entry in ipairs(redis.call('HKEYS', KEYS[3])) do
    if not named[entry] then
        isNew = true
        redis.call('HDEL', KEYS[3], entry)
        redis.call('HDEL', KEYS[4], entry)
        redis.call('HDEL', KEYS[5], entry)
        redis.call('EXPIRE', ARGV[3] .. entry, ARGV[6])
        while redis.call('EXISTS', ARGV[5] .. entry) == 1 do
            advance(ARGV[4] .. entry, ARGV[5] .. entry)
        end
        redis.call('DEL', ARGV[4] .. entry)
    end
end
if isNew then
    redis.call('PUBLISH', KEYS[7], 'adopted')
end
return answer
