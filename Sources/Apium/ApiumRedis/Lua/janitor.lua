-- Takes or extends the janitor's lease: who holds it does the shared duties.
-- KEYS 1 apium:janitor, 2 apium:worker:<inc>
-- ARGV 1 incarnation, 2 milliseconds
-- Expects it to be free or the caller's. Effect: it is the caller's for so long from now. Answers 1, or 0 when another has it. Cost: O(1).
-- PERSIST does nothing here: it is a write, which a server refuses that refuses renewals, and so nobody watches leases meanwhile; as in
-- renew.lua it lets a full server take the next one.
redis.call('PERSIST', KEYS[2])
local holder = redis.call('GET', KEYS[1])
if holder and holder ~= ARGV[1] then
    return 0
end
redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2])
return 1
