-- Takes up, ends or gives up the join of a chord.
-- KEYS 1 the group's key, to whose name the chord's suffixes are added
-- ARGV 1 'resume', 'close' or 'abandon', 2 token, 3 ordered, 4 seconds of a claim
-- Expects the claim to be the caller's: it stands, or it ran out and the chord is complete and not joined.
-- Effect: resume: the claim holds anew. close: the chord's keys go, and its end is remembered. abandon: its size goes; '' is any token.
-- Answers 1, or 0 when the claim is not the caller's. Cost: O(1), and O(n) in the chord's parts to close it.
local settings = {ordered = ARGV[3], claimed = ARGV[4]}
if not (ARGV[1] == 'abandon' and ARGV[2] == '') and not holds(KEYS[1], ARGV[2], settings) then
    return 0
end
if ARGV[1] == 'resume' then
    redis.call('SET', KEYS[1] .. '.c', ARGV[2], 'EX', ARGV[4])
elseif ARGV[1] == 'close' then
    close(KEYS[1], settings)
else
    redis.call('DEL', KEYS[1] .. '.s')
end
return 1
