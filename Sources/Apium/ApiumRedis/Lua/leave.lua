-- Gives the janitor's lease up at once, so that another need not wait for its end.
-- KEYS 1 apium:janitor
-- ARGV 1 incarnation
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
