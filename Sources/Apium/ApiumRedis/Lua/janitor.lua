-- Takes or extends the janitor's lease: who holds it does the shared duties.
-- KEYS 1 apium:janitor
-- ARGV 1 incarnation, 2 milliseconds
-- Answers 1 when it is the caller's now, 0 when another has it.
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
