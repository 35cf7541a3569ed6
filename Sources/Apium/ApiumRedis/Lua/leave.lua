-- Gives the janitor's lease up at once, so that another need not wait for its end.
-- KEYS 1 apium:janitor
-- ARGV 1 incarnation
-- Expects it to be the caller's. Effect: it is free. Answers 1, or 0 when it is another's or nobody's. Cost: O(1).
if redis.call('GET', KEYS[1]) == ARGV[1] then
    return redis.call('DEL', KEYS[1])
end
return 0
