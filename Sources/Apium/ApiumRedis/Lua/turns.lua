-- The turns of jobs that do not overlap: the text of this file stands in front of the steps that end or begin one. Defines functions and does
-- nothing.

-- Runs of an entry that do not overlap: 'run' holds the id of the job that has its turn, until it ends or its limit has passed; 'waiting' is
-- a list of the jobs after it, each as <limit in ms> NUL <id> NUL <list> NUL <message>, the right end is next.

-- Gives the turn to the next job that waits; nobody has it after that when none does.
-- One whose list cannot be pushed to (the key is no list) keeps its place, and is tried again when the next slot fires.
local function advance(run, waiting)
    local text = redis.call('LINDEX', waiting, -1)
    if not text then
        redis.call('DEL', run)
        return
    end
    local first = string.find(text, '%z')
    local second = string.find(text, '%z', first + 1)
    local third = string.find(text, '%z', second + 1)
    local pushed = redis.pcall('LPUSH', string.sub(text, second + 1, third - 1), string.sub(text, third + 1))
    if type(pushed) == 'table' and pushed.err then
        redis.call('DEL', run)
        return
    end
    redis.call('RPOP', waiting)
    redis.call('SET', run, string.sub(text, first + 1, second - 1), 'PX', string.sub(text, 1, first - 1))
end

-- The id of the job that has its turn and has not ended, or nil. A result says that a job has ended that a Python worker ran; where its
-- result is not stored here, the limit ends the turn.
local function holder(run, results)
    local job = redis.call('GET', run)
    if not job then
        return nil
    end
    local stored = redis.call('GET', results .. job)
    if stored then
        local readable, value = pcall(cjson.decode, stored)
        if readable and type(value) == 'table' and (value.status == 'SUCCESS' or value.status == 'FAILURE' or value.status == 'REVOKED') then
            return nil
        end
    end
    return job
end
