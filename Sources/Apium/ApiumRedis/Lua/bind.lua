-- Binds a queue that expires, as kombu's consumers do: without a permanent row, and with a deadline for the whole table.
-- KEYS 1 _kombu.binding.<exchange>, 2 _kombu.binding_deadlines
-- ARGV 1 the row, 2 the exchange, 3 how long the table is kept without a refresh, in ms
-- Expects nothing. Effect: row added, deadline moved on, never back. Answers 0. Repeating is harmless. Cost: O(log n).
redis.call('SADD', KEYS[1], ARGV[1])
local now = redis.call('TIME')
local due = tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000) + tonumber(ARGV[3])
redis.call('ZADD', KEYS[2], 'GT', string.format('%.0f', due), ARGV[2])
return 0
