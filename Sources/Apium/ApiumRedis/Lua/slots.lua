-- What the steps of a schedule share: the text of this file stands in front of theirs, after functions.lua. Defines functions and does nothing.

-- Why a slot may not be decided as the caller asks, as the answer of the script; nil when it may.
-- 'asked' has entry, generation, revision, version, slot and mark ('' for none); 'keys' has marks, generation, versions and revision.
local function refusal(keys, asked)
    if tonumber(asked.generation) < tonumber(redis.call('GET', keys.generation) or '0') then
        return {2}
    end
    if asked.revision ~= (redis.call('GET', keys.revision) or '0') then
        return {3}
    end
    if asked.generation ~= redis.call('GET', keys.generation) or redis.call('HGET', keys.versions, asked.entry) ~= asked.version then
        return {4}
    end
    local mark = redis.call('HGET', keys.marks, asked.entry) or ''
    if mark ~= asked.mark then
        return {1, mark}
    end
    local early = tonumber(asked.slot) - microseconds()
    if early > 0 then
        return {5, early}
    end
    return nil
end

-- Writes the record of a slot, whose id in the stream is the slot: no slot has two. Were there a later record, because marks were deleted
-- by hand, this one would be left out.
local function record(ledger, slot, fields)
    redis.pcall('XADD', ledger, 'MAXLEN', '~', '1000', slot .. '-0', 'at', string.format('%.0f', microseconds()), unpack(fields))
end
