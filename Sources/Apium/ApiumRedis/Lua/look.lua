-- Looks at a part of a list.
-- KEYS 1 the list
-- ARGV 1 how many are passed over, 2 how many are looked at, 3 the end to begin at: 'left' or 'right'; then texts: only messages in which one
--      of them stands are answered, without any text all are
-- Expects nothing: a key that is no list, or not there, has no messages. Effect: none.
-- Answers {number looked at, place, message, place, message, …}; places count from the end that was named.
-- Cost: O(bytes looked at): 15 us for a message of 800 bytes and four texts, measured on a busy machine; callers ask for 200 at once, so that
--      nobody else waits long.
if redis.call('TYPE', KEYS[1]).ok ~= 'list' then
    return {0}
end
local from = tonumber(ARGV[1])
local count = tonumber(ARGV[2])
local isRight = ARGV[3] == 'right'
local messages
if isRight then
    messages = redis.call('LRANGE', KEYS[1], -(from + count), -(from + 1))
else
    messages = redis.call('LRANGE', KEYS[1], from, from + count - 1)
end

local function isWanted(message)
    for index = 4, #ARGV do
        if string.find(message, ARGV[index], 1, true) then
            return true
        end
    end
    return #ARGV < 4
end

local answer = {#messages}
for place = 1, #messages do
    local message = messages[isRight and #messages + 1 - place or place]
    if isWanted(message) then
        answer[#answer + 1] = from + place - 1
        answer[#answer + 1] = message
    end
end
return answer
