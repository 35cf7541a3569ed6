-- Edits, moves or deletes a message that waits.
-- KEYS 1 where it waits: a list, apium:scheduled, or the line of what holds it back; 2 apium:scheduled, 3 apium:scheduled:messages, 4 apium:waiting,
--      5 the list that the new message goes to, 6 apium:unique:<key>, only for a unique job that is deleted
-- ARGV 1 'ready', 'scheduled' or 'held', 2 the message as the caller saw it, 3 its member of the scheduled set, its entry in the line, or '',
--      4 'delete', 'rewrite', 'send' or 'schedule', 5 the new message, 6 when that is due in us, 7 its member of the scheduled set,
--      8 the target that holds it back, 9 the unique job's id
-- Expects the message where it was seen, unchanged. Effect: it is gone, with the job's lock; or the new one stands in its place (of one that was held
-- back, which is counted no more: at the front of its list, and its target is looked at again), at the back of KEYS 5, or waits for its time. Where
-- KEYS 5 is no list: WRONGTYPE, and nothing has changed. Answers 1, or 0 when it is not there any more.
-- Cost: O(n) in what waits there, from the end that is claimed next; O(log n) for the scheduled set.
local from, verb = ARGV[1], ARGV[4]

-- Whether the message is where it was seen, and in a list its place.
local place = false
if from == 'ready' then
    place = redis.call('TYPE', KEYS[1]).ok == 'list' and redis.call('LPOS', KEYS[1], ARGV[2], 'RANK', -1)
elseif from == 'scheduled' then
    place = redis.call('HGET', KEYS[3], ARGV[3]) == ARGV[2]
else
    place = redis.call('LPOS', KEYS[1], ARGV[3])
end
if not place then
    return 0
end

if verb == 'rewrite' and from == 'ready' then
    redis.call('LSET', KEYS[1], place, ARGV[5])
    return 1
elseif verb == 'rewrite' and from == 'scheduled' then
    redis.call('HSET', KEYS[3], ARGV[3], ARGV[5])
    return 1
end

-- First what the server may refuse: then what is refused has changed nothing.
if verb == 'send' then
    redis.call('LPUSH', KEYS[5], ARGV[5])
elseif verb == 'rewrite' then
    redis.call('RPUSH', KEYS[5], ARGV[5])
end

if from == 'ready' then
    redis.call('LREM', KEYS[1], -1, ARGV[2])
elseif from == 'scheduled' then
    redis.call('HDEL', KEYS[3], ARGV[3])
    redis.call('ZREM', KEYS[2], ARGV[3])
else
    redis.call('LREM', KEYS[1], 1, ARGV[3])
    redis.call('ZADD', KEYS[4], 0, ARGV[8])
    local ids, lists, at = string.match(ARGV[3], '^(%d+) (%d+) %d+ ()')
    local list = ids and string.sub(ARGV[3], at + tonumber(ids), at + tonumber(ids) + tonumber(lists) - 1)
    local held = string.match(KEYS[4], '^(.*)waiting$') .. 'held'
    if list and redis.call('HINCRBY', held, list, -1) <= 0 then
        redis.call('HDEL', held, list)
    end
end

-- What is scheduled anew may be the very member that has just been removed.
if verb == 'schedule' then
    redis.call('ZADD', KEYS[2], ARGV[6], ARGV[7])
    redis.call('HSET', KEYS[3], ARGV[7], ARGV[5])
elseif verb == 'delete' and KEYS[6] and redis.call('GET', KEYS[6]) == ARGV[9] then
    redis.call('DEL', KEYS[6])
end
return 1
