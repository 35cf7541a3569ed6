-- Deletes what waits in a list to which unique jobs were sent, a part at a time: the next to be claimed first.
-- KEYS 1 the list
-- ARGV 1 the most to delete in one step, 2 what stands before the key in the name of a lock
-- Expects nothing. Effect: the messages are gone, and the locks of their jobs. Answers how many. Cost: about 15 us per message.
local messages = redis.call('LRANGE', KEYS[1], '-' .. ARGV[1], -1)
if #messages == 0 then
    return 0
end
for _, message in ipairs(messages) do
    if string.find(message, '"apium_unique"', 1, true) then
        local readable, value = pcall(cjson.decode, message)
        local lock = readable and type(value) == 'table' and type(value.headers) == 'table' and value.headers.apium_unique
        if type(lock) == 'table' and type(lock[1]) == 'string' and redis.call('GET', ARGV[2] .. lock[1]) == value.headers.id then
            redis.call('DEL', ARGV[2] .. lock[1])
        end
    end
end
redis.call('LTRIM', KEYS[1], 0, -(#messages + 1))
return #messages
