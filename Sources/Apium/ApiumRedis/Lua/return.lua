-- Returns what a batch still holds, and deletes the batch.
-- KEYS 1 apium:flight:<inc>, 2 apium:flight:<inc>:<batch>, 3 apium:marks:<inc>:<batch>
-- ARGV 1 batch, 2 length of the list, 3 marks as the caller read them, 4 '1' to keep the batch open (it is swept again later), then operations:
--      'push', list, message (to the front: the next to be claimed) | 'shelf', shelf key, id, record |
--      'result', key, seconds to live, document
-- Expects list length and marks unchanged, so that nothing that was ended meanwhile comes back. Effect: the operations in order.
-- Answers 1, or 0 when something has changed: read again.
if redis.call('LLEN', KEYS[2]) ~= tonumber(ARGV[2]) or (redis.call('GET', KEYS[3]) or '') ~= ARGV[3] then
    return 0
end
local at = 5
while ARGV[at] do
    local verb = ARGV[at]
    if verb == 'push' then
        redis.call('RPUSH', ARGV[at + 1], ARGV[at + 2])
        at = at + 3
    elseif verb == 'shelf' then
        local now = redis.call('TIME')
        redis.call('ZADD', ARGV[at + 1], string.format('%.0f', tonumber(now[1]) * 1000000 + tonumber(now[2])), ARGV[at + 2])
        redis.call('HSET', ARGV[at + 1] .. ':messages', ARGV[at + 2], ARGV[at + 3])
        at = at + 4
    elseif verb == 'result' then
        local stored = redis.call('GET', ARGV[at + 1])
        local readable, value = pcall(cjson.decode, stored or '')
        if not (readable and type(value) == 'table' and value.status == 'SUCCESS') then
            if ARGV[at + 2] == '0' then
                redis.call('SET', ARGV[at + 1], ARGV[at + 3])
            else
                redis.call('SET', ARGV[at + 1], ARGV[at + 3], 'EX', ARGV[at + 2])
            end
            redis.call('PUBLISH', ARGV[at + 1], ARGV[at + 3])
        end
        at = at + 4
    else
        return redis.error_reply('ERR unknown operation ' .. verb)
    end
end
redis.call('DEL', KEYS[2], KEYS[3])
if ARGV[4] ~= '1' then
    redis.call('HDEL', KEYS[1], ARGV[1])
end
return 1
