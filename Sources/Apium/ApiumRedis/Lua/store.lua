-- Stores and publishes a result document.
-- KEYS 1 the result's key, which is the channel's name too
-- ARGV 1 seconds to live (0: for ever), 2 document
-- Expects that SUCCESS is not stored: it is never overwritten. Effect: stored and published. Answers 1, or 0 when SUCCESS is stored.
-- Cost: O(1), about 2 us; a stored document is read when there is one.
if store(KEYS[1], ARGV[1], ARGV[2]) then
    return 1
end
return 0
