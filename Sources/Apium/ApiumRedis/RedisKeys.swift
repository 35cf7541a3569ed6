import ApiumCore

/// Every key and channel the broker uses: the one place where a name is made.
///
/// All of them take the `global_keyprefix` of kombu's transport options, with nothing between. Owner: who writes it. End: when it goes.
public struct RedisKeys: Sendable, Hashable {
    /// In front of every key and channel. Default: empty.
    public let prefix: String
    /// The priority steps, ascending; step 0, the plain list, is always one. Default: 0, 3, 6, 9, as kombu's.
    public let prioritySteps: [Int]

    /// Between a queue's name and its step, and between the parts of a binding. Default: ``kombuSeparator``.
    public let separator: String

    /// Keys under a prefix.
    public init(prefix: String = "", prioritySteps: [Int] = [0, 3, 6, 9], separator: String = RedisKeys.kombuSeparator) {
        self.prefix = prefix
        self.prioritySteps = Set(prioritySteps + [0]).sorted()
        self.separator = separator.isEmpty ? RedisKeys.kombuSeparator : separator
    }

    /// kombu's own `sep`.
    public static let kombuSeparator = "\u{06}\u{16}"

    // MARK: Celery's

    /// `<queue>` or `<queue>\x06\x16<step>` · list · owner: producers · end: empty. Ready messages: LPUSH puts, the right end is next.
    func ready(_ queue: String, step: Int) -> String {
        step == 0 ? prefix + queue : prefix + queue + separator + String(step)
    }

    /// The list for a message of that priority: the greatest step that is not above it.
    func ready(_ queue: String, priority: Int) -> String {
        ready(queue, step: prioritySteps.last { $0 <= priority } ?? prioritySteps[0])
    }

    /// All lists of a queue, most urgent first.
    func ready(_ queue: String) -> [String] { prioritySteps.map { ready(queue, step: $0) } }

    /// The queue that a ready list belongs to.
    func queue(ofReady key: String) -> String {
        let name = key.hasPrefix(prefix) ? String(key.dropFirst(prefix.count)) : key
        // A separator of the user's choice may stand in a queue's name, too.
        guard let range = name.ranges(of: separator).last, let step = Int(name[range.upperBound...]), step != 0, prioritySteps.contains(step) else {
            return name
        }
        return String(name[..<range.lowerBound])
    }

    /// `_kombu.binding.<exchange>` · set · owner: consumers · end: never (kombu's). Where a named exchange's messages go.
    func binding(_ exchange: String) -> String { "\(prefix)_kombu.binding.\(exchange)" }

    /// `_kombu.binding_permanent.<exchange>` · set · owner: consumers · end: never (kombu 5.7).
    func permanentBinding(_ exchange: String) -> String { "\(prefix)_kombu.binding_permanent.\(exchange)" }

    /// `_kombu.binding_deadlines` · zset, exchange by the ms of its table's end · owner: consumers of queues that expire · end: kombu's sweep.
    var bindingDeadlines: String { "\(prefix)_kombu.binding_deadlines" }

    /// A key whose name kombu's transport options give: `unacked` · hash, `unacked_index` · zset, `unacked_mutex` · string; owner: kombu's
    /// consumers · end: acknowledged, or restored past the visibility timeout. See ``UnackedOptions``.
    func kombu(_ name: String) -> String { prefix + name }

    // MARK: Workers and what they hold

    /// `apium:version` · string · owner: the first session · end: never. The version of this layout.
    var version: String { "\(prefix)apium:version" }

    /// `apium:workers` · zset, incarnation by how often it has renewed · owner: sessions · end: reap or close. The live ones.
    var workers: String { "\(prefix)apium:workers" }

    /// `apium:worker:<inc>` · hash · owner: its session · end: reap or close. `name`, `pid`, `queues`, `jobs`, `lease_ms`, `started`.
    func worker(_ incarnation: String) -> String { "\(prefix)apium:worker:\(incarnation)" }

    /// `apium:reaped` · zset, incarnation by the ms of its end · owner: janitor · end: 7 days each. Swept again, because a blocked read of a
    /// stopped worker may still move a message.
    var reaped: String { "\(prefix)apium:reaped" }

    /// `apium:silence` · hash, incarnation → µs for which its counter was seen to stand still, the server's `run_id` then, and the counter · owner:
    /// those who look at the counters · end: a minute without a silent worker.
    var silence: String { "\(prefix)apium:silence" }

    /// `apium:flight:<inc>` · hash, batch → source list, and `idle:<batch>` while only a blocked read may fill it · owner: its session ·
    /// end: its batches.
    func flight(_ incarnation: String) -> String { "\(prefix)apium:flight:\(incarnation)" }

    /// The batch that a field `idle:<batch>` speaks of.
    static func batch(ofIdleField field: String) -> Int? { field.hasPrefix("idle:") ? Int(field.dropFirst(5)) : nil }

    /// `apium:flight:<inc>:<batch>` · list · owner: its session · end: batch done, returned. The messages in the order of their claim.
    func batch(_ incarnation: String, _ batch: Int) -> String { "\(prefix)apium:flight:\(incarnation):\(batch)" }

    /// `apium:marks:<inc>:<batch>` · string · owner: its session · end: with the batch. A byte per place: NUL runs, `a` acked early, `j` has joins to
    /// end, `d` done.
    func marks(_ incarnation: String, _ batch: Int) -> String { "\(prefix)apium:marks:\(incarnation):\(batch)" }

    /// `apium:joins:<inc>:<batch>` · hash, place → JSON list of groups and tokens · owner: its session · end: each with its mark `j`.
    func joins(_ incarnation: String, _ batch: Int) -> String { "\(prefix)apium:joins:\(incarnation):\(batch)" }

    /// `apium:fence` · string · owner: claims · end: never. The last fence that was given.
    var fence: String { "\(prefix)apium:fence" }

    // MARK: Waiting and set aside

    /// `apium:scheduled` · zset, member by due time in µs · owner: producers, completions · end: promotion. Also the channel on which the
    /// janitor is told, in µs from now, of what is due soon and comes first, here or in `apium:waiting`.
    var scheduled: String { "\(prefix)apium:scheduled" }

    /// `apium:scheduled:messages` · hash, member → message · owner and end: as `apium:scheduled`.
    var scheduledMessages: String { "\(prefix)apium:scheduled:messages" }

    /// `apium:known:<id>` · empty string · owner: producers that enqueue once · end: the time they said. The id is known.
    func known(_ id: String) -> String { "\(prefix)apium:known:\(id)" }

    /// `apium:parked`, `apium:dead`, `apium:quarantine` · zset, id by time in µs · owner: completions, janitor · end: requeue, discard, bounds.
    func shelf(_ shelf: Shelf) -> String { "\(prefix)apium:\(shelf.rawValue)" }

    /// `<shelf>:messages` · hash, id → record · owner and end: as the shelf. The scripts derive this name from the shelf's.
    func shelfMessages(_ shelf: Shelf) -> String { "\(prefix)apium:\(shelf.rawValue):messages" }

    // MARK: Limits, pauses and unique jobs

    /// `apium:limits` · hash, target → µs between two jobs, burst, jobs at once (0: no bound) · owner: operators · end: cleared. One without
    /// any bound keeps the order while somebody still waits for a target that is limited no more.
    var limits: String { "\(prefix)apium:limits" }

    /// `apium:paused` · hash, target → since when in µs · owner: operators · end: resumed.
    var paused: String { "\(prefix)apium:paused" }

    /// `apium:paused:lists` · hash, list → the paused queue that it belongs to, as a target · owner: operators · end: resumed.
    var pausedLists: String { "\(prefix)apium:paused:lists" }

    /// `apium:held` · hash, list → how many of its jobs wait in lines · owner: the steps that let jobs wait · end: none does. The scripts
    /// derive this name.
    var held: String { "\(prefix)apium:held" }

    /// `apium:away` · hash, list → since when in µs something that was let go to it has not come to a worker · owner: the steps that let jobs wait ·
    /// end: something comes, or nobody waits. The scripts derive this name.
    var away: String { "\(prefix)apium:away" }

    /// `apium:waiting` · zset, target by when to look again in µs · owner: the steps that let jobs wait · end: nobody waits.
    var waiting: String { "\(prefix)apium:waiting" }

    /// `apium:waiting:<target>` · list of entries, see permits.lua, the next one left · owner: `admit` · end: empty.
    func waiting(_ target: HoldTarget) -> String { "\(prefix)apium:waiting:\(target.text)" }

    /// `apium:permits:<target>` · zset, holder by its end in µs · owner: `admit`, `release` · end: the jobs' ends, or the return of their
    /// batches; 30 s for jobs on their way. `h<inc>:<batch>:<place>` runs, `r<id>` was let go. The scripts derive this name.
    func permits(_ target: HoldTarget) -> String { "\(prefix)apium:permits:\(target.text)" }

    /// `apium:limit:<target>` · string, when the bucket is full again in µs · owner: `admit`, `release` · end: then. The scripts derive this name.
    func bucket(_ target: HoldTarget) -> String { "\(prefix)apium:limit:\(target.text)" }

    /// `apium:holds:<inc>:<batch>` · hash, place → targets with NUL between · owner: `admit` · end: each with its delivery.
    func holds(_ incarnation: String, _ batch: Int) -> String { "\(prefix)apium:holds:\(incarnation):\(batch)" }

    /// `apium:unique:<key>` · string, the job's id · owner: enqueue · end: with the job, or its time; 7 days at the latest, counted from when the
    /// job is due.
    func unique(_ key: String) -> String { "\(prefix)apium:unique:\(key)" }

    /// `apium:unique:queues` · set, the first list of each queue that unique jobs were sent to · owner: enqueue · end: never. Purging them ends locks.
    var uniqueQueues: String { "\(prefix)apium:unique:queues" }

    /// `apium:unique:timed` · zset, lock by the ms of its end · owner: enqueue · end: with the last of them. The locks that hold for a time, and outlive
    /// their jobs.
    var timedLocks: String { "\(prefix)apium:unique:timed" }

    // MARK: Control and duties

    /// `apium:control` · hash · owner: operators · end: never. `epoch`, and `said:<epoch>`: what was revoked with it (see epoch.lua), of the
    /// last 1,000. Also the channel on which a new epoch is published.
    var control: String { "\(prefix)apium:control" }

    /// `apium:revoked` · zset, id by the ms of its expiry · owner: operators · end: 7 days each.
    var revoked: String { "\(prefix)apium:revoked" }

    /// `apium:revoked:by` · hash, id → who said so first · owner: operators · end: as `apium:revoked`; the whole of it 7 days after the last.
    var revokers: String { "\(prefix)apium:revoked:by" }

    /// `apium:terminated` · zset, id by the ms of its expiry · owner and end: as `apium:revoked`. Those of them that are stopped when they run.
    var terminated: String { "\(prefix)apium:terminated" }

    /// `apium:revoked:stamps` · zset, `<name> NUL <value as JSON>` by the ms of its expiry · owner and end: as `apium:revoked`.
    var revokedStamps: String { "\(prefix)apium:revoked:stamps" }

    /// `apium:terminated:stamps` · zset, as `apium:revoked:stamps` · owner and end: as `apium:revoked`. Those that stop running jobs.
    var terminatedStamps: String { "\(prefix)apium:terminated:stamps" }

    /// `apium:janitor` · string · owner: the janitor · end: 2 s without renewal.
    var janitor: String { "\(prefix)apium:janitor" }

    /// `apium:history` · the stem of: `apium:history:<seconds>:<slot>` · hash, queue → its length, queue NUL job → what became of such jobs
    /// (see count.lua) · owner: workers · end: 30 min of slots of 10 s, 24 h of minutes, 30 days of hours; `apium:history:seen:<source>` ·
    /// string, the last report taken · owner: workers · end: 10 min. The script derives these names.
    var history: String { "\(prefix)apium:history" }

    /// A slot of ``history``.
    func history(_ resolution: HistoryResolution, slot: Int64) -> String { "\(history):\(resolution.rawValue):\(slot)" }

    /// `apium:beat:marks` · hash, entry → last slot in µs · owner: beats · end: never (a mark that expired would fire twice).
    var beatMarks: String { "\(prefix)apium:beat:marks" }

    /// `apium:beat:generation` · string · owner: beats · end: never.
    var beatGeneration: String { "\(prefix)apium:beat:generation" }

    /// `apium:beat:versions` · hash, entry → version in force · owner: beats · end: the entry leaves the schedule.
    var beatVersions: String { "\(prefix)apium:beat:versions" }

    /// `apium:beat:since` · hash, entry → since when its version is in force, in µs · owner: beats · end: the entry leaves the schedule.
    var beatSince: String { "\(prefix)apium:beat:since" }

    /// `apium:beat:entries` · hash, entry → the definition that the deployment in force brought · owner: beats · end: the entry leaves the
    /// schedule.
    var beatEntries: String { "\(prefix)apium:beat:entries" }

    /// `apium:beat:ledger:<entry>` · stream of about 1,000, by slot in µs · owner: beats · end: capped; 30 days after the entry has left.
    func beatLedger(_ entry: String) -> String { "\(prefix)apium:beat:ledger:\(entry)" }

    /// `apium:beat:run:<entry>` · string, the id of the job that has its turn · owner: beats · end: with its job, at the latest the
    /// overlap's limit.
    func beatRun(_ entry: String) -> String { "\(prefix)apium:beat:run:\(entry)" }

    /// `apium:beat:waiting:<entry>` · list of up to 100 jobs that wait for their turn · owner: beats · end: each with the end of the one before.
    func beatWaiting(_ entry: String) -> String { "\(prefix)apium:beat:waiting:\(entry)" }

    // MARK: The schedule's dynamic store

    /// `apium:schedule:edits` · hash, entry → definition or override · owner: who edits · end: removed by them.
    var scheduleEdits: String { "\(prefix)apium:schedule:edits" }

    /// `apium:schedule:revision` · string, counts the edits · owner: who edits · end: never.
    var scheduleRevision: String { "\(prefix)apium:schedule:revision" }

    /// `apium:schedule:audit` · stream of about 1,000 · owner: who edits · end: capped.
    var scheduleAudit: String { "\(prefix)apium:schedule:audit" }

    /// `apium:schedule:changes` · channel · published when the schedule was edited, or another one came into force.
    var scheduleChanges: String { "\(prefix)apium:schedule:changes" }
}
