-- What the scripts share that know of limits and pauses: the text of this file stands in front of theirs. Defines one function and does nothing;
-- nothing in it is run for jobs without limits.
--
-- A hold is a target's text ('queue:q', 'job:t', 'key:host=shop', 'run:lock'). Under 'prefix' stand for each of them:
--   permits:<hold>  zset: 'h<inc>:<batch>:<place>' for a job that runs under a concurrency limit, 'r<id>' by its end in us for one that was let go
--                   and is on its way to a worker (a reservation: what it needs of all its holds is taken for it)
--   limit:<hold>    string: when the bucket of its rate is full again, in us
--   waiting:<hold>  list of entries, the next one left; an entry is '<#id> <#list> <#holds> ' .. id .. list .. holds .. message
-- and in common: limits (hash, hold -> 'us between two jobs, burst, jobs at once'), paused (hash), waiting (zset, hold by when to look again in us),
-- paused:lists (hash, list -> the paused queue it belongs to, as a hold), held (hash, list -> how many of its jobs wait), away (hash, list -> since
-- when something that was let go to it has not come to a worker, in us).
--
-- What holds after every step: where a job waits, its hold is paused, or has no permit or no token now, or a job that was let go before has
-- not come to its worker yet, or it is looked at again at once. The last but one keeps the order: what is let go is pushed to the front of its list, so
-- the next may follow only when that is gone. To a list from which nothing has come for as long as a reservation lasts, as nobody serves it,
-- nothing is let go with a reservation: its jobs ask again when they come, and hold up nobody. Where its queue is paused a job waits in the line of
-- that, even if it does not ask it ('queue:q' is not among its holds), and returns to the others by its age.
local function permits(prefix)
    local time = redis.call('TIME')
    local now = tonumber(time[1]) * 1000000 + tonumber(time[2])
    local never = now + 60000000
    -- Nothing is let go for longer than this without coming to a worker, and so much at once; and so much moves to another line at once.
    local travel, window, portion = 30000000, 64, 200
    -- The end of what a job that runs has taken: it is given back, and does not run out.
    local endless = 9000000000000000
    local self = {}

    local function text(number)
        return string.format('%.0f', number)
    end

    -- Microseconds between two jobs, burst, and jobs at once; 0: no bound.
    local known = {}
    local function bounds(hold)
        if string.sub(hold, 1, 4) == 'run:' then
            return 0, 0, 1
        end
        local limit = known[hold]
        if not limit then
            limit = redis.call('HGET', prefix .. 'limits', hold)
            -- The mark of a target that had to keep the order is no limit: a later one on all keys counts for it.
            local each = (not limit or limit == '0 0 0') and string.match(hold, '^(key:[^=]*)=')
            limit = each and redis.call('HGET', prefix .. 'limits', each) or limit or '0 0 0'
            known[hold] = limit
        end
        local interval, burst, most = string.match(limit, '^(%d+) (%d+) (%d+)$')
        return tonumber(interval or '0'), tonumber(burst or '0'), tonumber(most or '0')
    end

    -- When the first reservation ends that has not yet come to a worker; nil when there is none.
    local cleaned = {}
    local function underWay(hold)
        local key = prefix .. 'permits:' .. hold
        if not cleaned[hold] then
            cleaned[hold] = true
            redis.call('ZREMRANGEBYSCORE', key, '-inf', text(now))
        end
        local first = redis.call('ZRANGE', key, 0, 0, 'WITHSCORES')
        local ends = tonumber(first[2])
        return ends and ends < endless and ends or nil
    end

    local pauses = {}
    local function isPaused(hold)
        if pauses[hold] == nil then
            pauses[hold] = redis.call('HEXISTS', prefix .. 'paused', hold) == 1
        end
        return pauses[hold]
    end

    -- When to look again whether one more job passes; nil: it does now.
    local function refusal(hold)
        if isPaused(hold) then
            return never
        end
        local interval, burst, most = bounds(hold)
        if most > 0 and redis.call('ZCARD', prefix .. 'permits:' .. hold) >= most then
            return never
        end
        if interval > 0 then
            local ready = tonumber(redis.call('GET', prefix .. 'limit:' .. hold) or '0') - (burst - 1) * interval
            if ready > now then
                return ready
            end
        end
    end

    local function takeToken(hold)
        local interval = bounds(hold)
        if interval > 0 then
            local full = math.max(tonumber(redis.call('GET', prefix .. 'limit:' .. hold) or '0'), now) + interval
            redis.call('SET', prefix .. 'limit:' .. hold, text(full), 'PX', text(math.ceil((full - now) / 1000) + 1000))
        end
    end

    -- What was taken for a job that does not run after all.
    local function giveToken(hold)
        local interval = bounds(hold)
        local full = interval > 0 and tonumber(redis.call('GET', prefix .. 'limit:' .. hold) or '0') - interval
        if full and full > now then
            redis.call('SET', prefix .. 'limit:' .. hold, text(full), 'PX', text(math.ceil((full - now) / 1000) + 1000))
        elseif full then
            redis.call('DEL', prefix .. 'limit:' .. hold)
        end
    end

    -- The target of a queue that is paused, by the list that a job goes back to; false when it is served.
    local halts = {}
    local function halt(list)
        if halts[list] == nil then
            local hold = redis.call('HGET', prefix .. 'paused:lists', list)
            halts[list] = hold and isPaused(hold) and hold
        end
        return halts[list]
    end

    -- Whether nobody takes from a list: what was let go to it has not come for longer than a reservation lasts.
    local forsaken = {}
    local function isForsaken(list)
        if forsaken[list] == nil then
            local since = redis.call('HGET', prefix .. 'away', list)
            forsaken[list] = since and tonumber(since) + travel < now or false
        end
        return forsaken[list]
    end

    -- A job has come from a list to a worker.
    function self.arrived(list)
        redis.call('HDEL', prefix .. 'away', list)
    end

    -- How many jobs of a list wait in lines.
    local function count(list, number)
        if redis.call('HINCRBY', prefix .. 'held', list, number) <= 0 then
            redis.call('HDEL', prefix .. 'held', list)
        end
    end

    local function look(hold, at)
        enter(prefix .. 'waiting', prefix .. 'scheduled', now, at - now, hold)
    end

    local function pack(id, list, holds, message)
        return #id .. ' ' .. #list .. ' ' .. #holds .. ' ' .. id .. list .. holds .. message
    end

    local function unpackEntry(entry)
        local ids, lists, holds, at = string.match(entry, '^(%d+) (%d+) (%d+) ()')
        local listAt = at + tonumber(ids)
        local holdsAt = listAt + tonumber(lists)
        local messageAt = holdsAt + tonumber(holds)
        return string.sub(entry, at, listAt - 1), string.sub(entry, listAt, holdsAt - 1), string.sub(entry, holdsAt, messageAt - 1),
            string.sub(entry, messageAt)
    end

    -- When to look again whether a hold lets one more job pass that is not in its line; nil: it does now.
    local function blocked(hold)
        local at = underWay(hold) or refusal(hold)
        if not at and redis.call('EXISTS', prefix .. 'waiting:' .. hold) == 1 then
            at = now
        end
        return at
    end

    -- The hold for which a job has to wait that is first in the line of 'own', and when to look again; nil when all let it pass. A line that only
    -- has not been looked at yet counts where its hold stands behind 'own' among the job's: so no two lines send a job to and fro.
    local function elsewhere(own, list, holds)
        local hold = halt(list)
        if hold then
            return hold, never
        end
        local at
        local behind = not string.find('\0' .. holds .. '\0', '\0' .. own .. '\0', 1, true)
        for each in string.gmatch(holds, '[^%z]+') do
            if each == own then
                behind = true
            else
                if behind then
                    at = blocked(each)
                else
                    at = underWay(each) or refusal(each)
                end
                if at then
                    return each, at
                end
            end
        end
    end

    -- How old a job's question is: the fence of the delivery that asked first, as it stands in the message. 0: older than all others; what workers
    -- of a release without fences there have put into a line stands behind those who come back.
    local function age(entry)
        local _, place = string.find(entry, '"apium_waited":[', 1, true)
        return place and tonumber(string.match(entry, '^%d+', place + 1)) or endless
    end

    -- Puts the entry of a job that comes back into a line by its age: behind those at the front that are not younger.
    local function enterByAge(line, entry)
        local own = age(entry)
        local last = redis.call('LINDEX', line, -1)
        if not last or age(last) <= own then
            redis.call('RPUSH', line, entry)
            return
        end
        -- In strides that grow, as it stands near the front in most cases; then by halves.
        local older, younger, pivot = -1, 0, redis.call('LINDEX', line, 0)
        while age(pivot) <= own do
            older = younger
            younger = younger * 2 + 1
            pivot = redis.call('LINDEX', line, younger)
            if not pivot then
                younger, pivot = redis.call('LLEN', line) - 1, last
            end
        end
        while younger - older > 1 do
            local middle = math.floor((older + younger) / 2)
            local entryThere = redis.call('LINDEX', line, middle)
            if age(entryThere) <= own then
                older = middle
            else
                younger, pivot = middle, entryThere
            end
        end
        local done = redis.pcall('LINSERT', line, 'BEFORE', pivot, entry)
        if type(done) ~= 'number' or done < 0 then
            -- A user of Redis that may not do that.
            redis.call('LPUSH', line, entry)
        end
    end

    -- Nobody waits any more. The mark of a target that is limited no more, and only had to keep the order, goes.
    local function drained(hold)
        local at = underWay(hold)
        if at then
            look(hold, at)
        else
            redis.call('ZREM', prefix .. 'waiting', hold)
            if redis.call('EXISTS', prefix .. 'waiting') == 0 then
                redis.call('DEL', prefix .. 'held', prefix .. 'away')
            end
        end
        if redis.call('HGET', prefix .. 'limits', hold) == '0 0 0' then
            redis.call('HDEL', prefix .. 'limits', hold)
            newEpoch(prefix .. 'control', prefix .. 'control', {'0'})
        end
    end

    -- Moves the first of a line into another one: to its back, or, where it only stood here because its queue was paused, by its age.
    local function shift(own, other, otherAt, entry, holds)
        local line = prefix .. 'waiting:' .. other
        if string.find('\0' .. holds .. '\0', '\0' .. own .. '\0', 1, true) then
            redis.call('RPUSH', line, entry)
        else
            enterByAge(line, entry)
        end
        look(other, otherAt)
    end

    -- Pushes what was let go to the front of its lists, the first one last. Reservations are entered when all are chosen: the others of a step are
    -- not held up by the first. One whose list cannot be pushed to (the key is no list) stays at the front of its line.
    local function send(hold, gone)
        for place = #gone, 1, -1 do
            local id, list, holds, message, entry = unpack(gone[place])
            local pushed = redis.pcall('RPUSH', list, message)
            local stays = type(pushed) == 'table' and pushed.err
            if stays then
                redis.call('LPUSH', prefix .. 'waiting:' .. hold, entry)
            else
                count(list, -1)
                redis.call('HSETNX', prefix .. 'away', list, text(now))
            end
            for each in string.gmatch(holds, '[^%z]+') do
                if stays then
                    redis.call('ZREM', prefix .. 'permits:' .. each, 'r' .. id)
                    giveToken(each)
                else
                    redis.call('ZADD', prefix .. 'permits:' .. each, text(now + travel), 'r' .. id)
                    -- So that a reservation for nobody is removed, even where nobody waits.
                    redis.call('ZADD', prefix .. 'waiting', 'NX', text(now + travel), each)
                end
            end
        end
    end

    -- Lets go what may run now of those that wait for a hold, in order. Cost: about 10 us per job, of at most 'window' that go and 'portion' that
    -- move to another line, or to a list that nobody serves; what is left then is looked at again at once.
    function self.release(hold)
        local line = prefix .. 'waiting:' .. hold
        local gone, moved, taken = {}, 0, 0
        local at = underWay(hold)
        while not at and taken < window and moved < portion do
            local entry = redis.call('LINDEX', line, 0)
            if not entry then
                break
            end
            at = refusal(hold)
            if not at then
                local id, list, holds, message = unpackEntry(entry)
                local other, otherAt = elsewhere(hold, list, holds)
                redis.call('LPOP', line)
                if other then
                    moved = moved + 1
                    shift(hold, other, otherAt, entry, holds)
                elseif isForsaken(list) then
                    moved = moved + 1
                    gone[#gone + 1] = {id, list, '', message, entry}
                else
                    taken = taken + 1
                    gone[#gone + 1] = {id, list, holds, message, entry}
                    for each in string.gmatch(holds, '[^%z]+') do
                        takeToken(each)
                        redis.call('ZADD', prefix .. 'permits:' .. each, text(endless), 'r' .. id)
                    end
                end
            end
        end
        send(hold, gone)
        if redis.call('EXISTS', line) == 0 then
            drained(hold)
        else
            look(hold, at or (moved >= portion and now) or now + travel)
        end
    end

    -- Takes back what was taken for a job that was let go to a queue that is paused now: it asks again when it comes.
    function self.recall(id, holds)
        for _, hold in ipairs(holds) do
            if redis.call('ZREM', prefix .. 'permits:' .. hold, 'r' .. id) == 1 then
                giveToken(hold)
                look(hold, now)
            end
        end
    end

    -- Gives back what a job has taken, and lets the next ones go. 'place' is its place in the batch whose holds stand in 'key'.
    function self.giveBack(key, place)
        local holds = redis.call('HGET', key, place)
        if not holds then
            return
        end
        redis.call('HDEL', key, place)
        local holder = 'h' .. string.match(key, 'holds:([^:]+:%d+)$') .. ':' .. place
        for hold in string.gmatch(holds, '[^%z]+') do
            redis.call('ZREM', prefix .. 'permits:' .. hold, holder)
        end
        for hold in string.gmatch(holds, '[^%z]+') do
            if redis.call('EXISTS', prefix .. 'waiting:' .. hold) == 1 then
                self.release(hold)
            end
        end
    end

    -- Asks for one job: nil when it is admitted, else the hold that it waits for now, and when to look again. One that was let go has what it needs, and is
    -- asked only whether something was paused since.
    function self.admit(id, holder, holds, returns)
        local reserved = {}
        local refused, at
        for hold in string.gmatch(holds, '[^%z]+') do
            if redis.call('ZREM', prefix .. 'permits:' .. hold, 'r' .. id) == 1 then
                reserved[hold] = true
            end
        end
        for hold in string.gmatch(holds, '[^%z]+') do
            if not refused then
                if reserved[hold] then
                    at = isPaused(hold) and never
                    refused = at and hold
                elseif returns then
                    at = refusal(hold)
                    refused = at and hold
                else
                    at = blocked(hold)
                    refused = at and hold
                end
            end
        end
        if refused then
            for hold in pairs(reserved) do
                giveToken(hold)
            end
            return refused, at
        end
        for hold in string.gmatch(holds, '[^%z]+') do
            if not reserved[hold] then
                takeToken(hold)
            end
            local _, _, most = bounds(hold)
            if most > 0 then
                redis.call('ZADD', prefix .. 'permits:' .. hold, text(endless), holder)
            end
        end
    end

    -- Puts a job that was refused into the line of its hold; one that was on its way before by its age.
    function self.wait(hold, at, id, list, holds, message, returns)
        local entry = pack(id, list, holds, message)
        if returns then
            enterByAge(prefix .. 'waiting:' .. hold, entry)
        else
            redis.call('RPUSH', prefix .. 'waiting:' .. hold, entry)
        end
        count(list, 1)
        look(hold, at)
    end

    return self
end
