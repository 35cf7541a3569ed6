-- Deletes a binding table of kombu's that nobody has refreshed in time, as kombu's own consumers do once a minute.
-- KEYS 1 _kombu.binding.<exchange>, 2 _kombu.binding_permanent.<exchange>, 3 _kombu.binding_deadlines
-- ARGV 1 the exchange
-- Expects a deadline that has passed by the server's time. Effect: the deadline goes, and the table with it unless a queue without an end stands in it.
-- Answers 1, or 0: it was refreshed or deleted meanwhile. Repeating is harmless. Cost: O(log n), and the table's size.
local deadline = redis.call('ZSCORE', KEYS[3], ARGV[1])
if not deadline then return 0 end
local now = redis.call('TIME')
if tonumber(deadline) > tonumber(now[1]) * 1000 + math.floor(tonumber(now[2]) / 1000) then return 0 end
if redis.call('EXISTS', KEYS[2]) == 0 then redis.call('DEL', KEYS[1]) end
redis.call('ZREM', KEYS[3], ARGV[1])
return 1
