-- Puts the entries of a schedule in force, and says from where each of them goes on.
-- KEYS 1 apium:beat:marks, 2 apium:beat:generation, 3 apium:beat:versions, 4 apium:beat:since
-- ARGV 1 generation, then entry, version, entry, version ...
-- Expects: the generation is not older than the stored one.
-- Effect: generation stored; an entry whose version is new has been in force since the server's time; entries that are not named leave
--         versions and since (their marks stay).
-- Answers {} for a stale generation, else a pair for each entry: in force since, and the mark or false, both in microseconds.
if tonumber(ARGV[1]) < tonumber(redis.call('GET', KEYS[2]) or '0') then
    return {}
end
redis.call('SET', KEYS[2], ARGV[1])
local time = redis.call('TIME')
local now = string.format('%.0f', tonumber(time[1]) * 1000000 + tonumber(time[2]))
local named = {}
local answer = {}
for i = 2, #ARGV, 2 do
    local entry = ARGV[i]
    named[entry] = true
    if redis.call('HGET', KEYS[3], entry) ~= ARGV[i + 1] then
        redis.call('HSET', KEYS[3], entry, ARGV[i + 1])
        redis.call('HSET', KEYS[4], entry, now)
    end
    answer[#answer + 1] = redis.call('HGET', KEYS[4], entry) or now
    answer[#answer + 1] = redis.call('HGET', KEYS[1], entry)
end
for _, entry in ipairs(redis.call('HKEYS', KEYS[3])) do
    if not named[entry] then
        redis.call('HDEL', KEYS[3], entry)
        redis.call('HDEL', KEYS[4], entry)
    end
end
return answer
