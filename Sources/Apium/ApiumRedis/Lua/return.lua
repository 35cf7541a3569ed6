-- Returns what a batch still holds, and deletes the batch.
-- KEYS 1 apium:flight:<inc>, 2 apium:flight:<inc>:<batch>, 3 apium:marks:<inc>:<batch>, 4 apium:joins:<inc>:<batch>,
--      5 apium:holds:<inc>:<batch>
-- ARGV 1 batch, 2 length of the list, 3 marks as the caller read them, 4 '1' to keep the batch open (it is swept again later), of chords:
--      5 ordered, 6 expires, 7 group expires, 8 seconds of a claim; then operations:
--      'push', list, message (to the front: the next to be claimed) | 'shelf', shelf key, id, record |
--      'store', key, seconds to live, document |
--      'part', group key, id, score, token, part, list, message (pushed to the front if the part completes the chord and nobody joins it) |
--      'release', group key, token (the claim goes, so that whoever takes up the join, a Python worker too, can claim it at once) |
--      'free', lock key, id (the lock of a job that has ended)
-- Expects list length and marks unchanged, so that nothing that was ended meanwhile comes back. Effect: the operations in order; what the batch's
-- jobs had taken under limits is given back, and the next ones are let go.
-- Answers 1, or 0 when something has changed: read again. Cost: O(1) per operation, those of chords as in bring.lua; O(n) for the batch.
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) or (redis.call('GET', KEYS[3]) or '') ~= ARGV[3] then
    return 0
end
local settings = {ordered = ARGV[5], expires = ARGV[6], groupExpires = ARGV[7], claimed = ARGV[8]}
local widths = {push = 3, shelf = 4, store = 4, part = 8, release = 3, free = 3}
local at = 9
while ARGV[at] do
    local verb = ARGV[at]
    if verb == 'push' then
        redis.call('RPUSH', ARGV[at + 1], ARGV[at + 2])
    elseif verb == 'shelf' then
        shelve(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
    elseif verb == 'store' then
        store(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
    elseif verb == 'part' then
        if bring(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], ARGV[at + 5], settings) then
            redis.call('DEL', ARGV[at + 1] .. '.c')
            redis.call('RPUSH', ARGV[at + 6], ARGV[at + 7])
        end
    elseif verb == 'release' then
        if redis.call('GET', ARGV[at + 1] .. '.c') == ARGV[at + 2] then
            redis.call('DEL', ARGV[at + 1] .. '.c')
        end
    elseif verb == 'free' then
        if redis.call('GET', ARGV[at + 1]) == ARGV[at + 2] then
            redis.call('DEL', ARGV[at + 1])
        end
    end
    at = at + widths[verb]
end
redis.call('DEL', KEYS[2], KEYS[3], KEYS[4])
local held = redis.call('HKEYS', KEYS[5])
if #held > 0 then
    local holds = permits(string.match(KEYS[5], '^(.*)holds:[^:]+:%d+$'))
    for _, place in ipairs(held) do
        holds.giveBack(KEYS[5], place)
    end
end
if ARGV[4] ~= '1' then
    redis.call('HDEL', KEYS[1], ARGV[1], 'idle:' .. ARGV[1])
end
return 1
