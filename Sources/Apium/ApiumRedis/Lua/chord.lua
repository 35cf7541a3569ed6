-- Makes a chord ready to count, before the last message of its header is sent.
-- KEYS 1 the group's key, to whose name the chord's suffixes are added
-- ARGV 1 size, 2 seconds to live (0: for ever), 3 the saved group, or ''
-- Effect: size written. What an earlier run left that was joined or given up (it has no size any more) goes; a run under way goes on, so
-- that whoever repeats this late, a worker that has lost its job perhaps, takes nothing away from it. Expects nothing. Answers 1 when a run begins, else 0.
-- Cost: O(1), and O(n) for what an earlier run left.
local isNew = redis.call('EXISTS', KEYS[1] .. '.s') == 0
if isNew then
    redis.call('DEL', KEYS[1] .. '.j', KEYS[1] .. '.t', KEYS[1] .. '.d', KEYS[1] .. '.c')
end
set(KEYS[1] .. '.s', ARGV[2], ARGV[1])
if ARGV[3] ~= '' then
    set(KEYS[1], ARGV[2], ARGV[3])
end
return isNew and 1 or 0
