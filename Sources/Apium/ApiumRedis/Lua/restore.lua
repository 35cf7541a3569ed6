-- Puts deliveries that kombu's consumers held and never acknowledged back on their queues, or sets them aside.
-- KEYS 1 unacked, 2 unacked_index, 3 unacked_mutex (kombu's)
-- ARGV 1 the caller's token, 2 number of deliveries; then per delivery: tag, its value as the caller read it, number of operations, and
--      the operations: 'push', list, message (to the front: the next to be claimed) | 'shelf', shelf key, id, record
-- Expects the mutex to be the caller's, else nothing is done; a delivery's value to be unchanged, and its lists to be lists, else it is
-- left as it is. Effect per delivery: the operations, then it is removed from hash and index, so that it comes back once only.
-- Answers how many were moved or removed. Cost: a fixed number of O(1) commands per delivery; the index is O(log n).
if redis.call('GET', KEYS[3]) ~= ARGV[1] then
    return 0
end

-- Whether all lists that are pushed to are lists or not there yet.
local function fits(at, operations)
    for _ = 1, operations do
        if ARGV[at] == 'push' then
            local kind = redis.call('TYPE', ARGV[at + 1]).ok
            if kind ~= 'list' and kind ~= 'none' then
                return false
            end
        end
        at = at + (ARGV[at] == 'push' and 3 or 4)
    end
    return true
end

local moved = 0
local at = 3
for _ = 1, tonumber(ARGV[2]) do
    local tag = ARGV[at]
    local operations = tonumber(ARGV[at + 2])
    local isMoved = (redis.call('HGET', KEYS[1], tag) or '') == ARGV[at + 1] and fits(at + 3, operations)
    at = at + 3
    for _ = 1, operations do
        if isMoved and ARGV[at] == 'push' then
            redis.call('RPUSH', ARGV[at + 1], ARGV[at + 2])
        elseif isMoved then
            shelve(ARGV[at + 1], ARGV[at + 2], ARGV[at + 3])
        end
        at = at + (ARGV[at] == 'push' and 3 or 4)
    end
    if isMoved then
        redis.call('HDEL', KEYS[1], tag)
        redis.call('ZREM', KEYS[2], tag)
        moved = moved + 1
    end
end
return moved
