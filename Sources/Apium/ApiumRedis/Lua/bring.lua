-- Brings parts of chords.
-- KEYS none: the chords' keys are made of the arguments
-- ARGV 1 ordered, 2 expires, 3 group expires, 4 seconds of a claim, then per part: group key, id, score, token, part
-- Expects nothing; a part whose chord is done is kept for a while and not counted. Effect: each part counted once by id and score.
-- Answers the places (from 1) of the parts that completed their chord and claimed its join. Repeating with the same tokens gives the
-- same answer. Cost: O(log n) per part, n its chord's size.
local settings = {ordered = ARGV[1], expires = ARGV[2], groupExpires = ARGV[3], claimed = ARGV[4]}
local claimed = {}
for at = 5, #ARGV, 5 do
    if bring(ARGV[at], ARGV[at + 1], ARGV[at + 2], ARGV[at + 3], ARGV[at + 4], settings) then
        claimed[#claimed + 1] = (at - 5) / 5 + 1
    end
end
return claimed
