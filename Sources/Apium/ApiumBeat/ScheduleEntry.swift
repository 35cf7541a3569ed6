import ApiumCore
import DynamicJSON

/// One line of the schedule: what is enqueued when.
public struct ScheduleEntry: Sendable, Hashable {
    /// The entry's name: unique in the schedule.
    public var name: String
    /// The task's name.
    public var task: String
    /// When.
    public var schedule: Schedule
    /// The zone that its slots are shown in; a crontab's is the one it is read in.
    public var zone: ScheduleZone
    /// Positional arguments.
    public var args: [JSONValue]
    /// Keyword arguments.
    public var kwargs: [String: JSONValue]
    /// The queue; `nil`: the beat's default queue.
    public var queue: String?
    /// 0 (first) to 9.
    public var priority: Int?
    /// The job is dropped when it has not started this long after its slot.
    public var expires: Duration?
    /// Each job is delayed by less than this, so that entries of one instant do not all run at it. The delay of a slot is always the
    /// same: it is computed from the entry's name and the slot. Default zero.
    public var jitter: Duration
    /// No slot is before this instant.
    public var start: Timestamp?
    /// No slot is after this instant.
    public var end: Timestamp?
    /// What happens to missed slots.
    public var catchUp: CatchUp
    /// What happens when the job of the last slot still waits or runs.
    public var overlap: Overlap
    /// Whether it fires at all.
    public var isEnabled: Bool

    /// Makes an entry.
    public init(
        name: String, task: String, schedule: Schedule, zone: ScheduleZone = .utc, args: [JSONValue] = [], kwargs: [String: JSONValue] = [:],
        queue: String? = nil, priority: Int? = nil,
        expires: Duration? = nil, jitter: Duration = .zero, start: Timestamp? = nil, end: Timestamp? = nil, catchUp: CatchUp = .skip,
        overlap: Overlap = .allow, isEnabled: Bool = true
    ) {
        self.name = name
        self.task = task
        self.schedule = schedule
        self.zone = zone
        self.args = args
        self.kwargs = kwargs
        self.queue = queue
        self.priority = priority
        self.expires = expires
        self.jitter = jitter
        self.start = start
        self.end = end
        self.catchUp = catchUp
        self.overlap = overlap
        self.isEnabled = isEnabled
    }

    /// The first slot after an instant, between start and end; `nil` when there is none.
    public func next(after instant: Timestamp) -> Timestamp? {
        let from = start.map { max(instant, $0 + .microseconds(-1)) } ?? instant
        guard let slot = schedule.next(after: from) else { return nil }
        if let end, slot > end { return nil }
        return slot
    }

    /// The last slot at or before an instant, between start and end; looked for at most a year back.
    public func last(before instant: Timestamp) -> Timestamp? {
        guard let slot = schedule.last(before: end.map { min(instant, $0) } ?? instant) else { return nil }
        if let start, slot < start { return nil }
        return slot
    }

    /// A text of all that decides which slots there are and which are made good. Where it differs from the version in force the entry
    /// begins anew, so that no edit makes earlier slots good; what the job gets may change without that.
    var version: String {
        var change = ""
        if case .crontab(_, _, let policy) = schedule { change = "\(policy.skippedHour) \(policy.repeatedHour.map { "\($0)" } ?? "-")" }
        let bounds = [start, end].map { $0.map { String($0.microseconds) } ?? "-" }
        let catchUp = [catchUp.policy.rawValue, String(catchUp.max), String(catchUp.window.wholeMicroseconds)]
        return (["\(schedule)", change] + bounds + catchUp + (isEnabled ? [] : ["disabled"])).joined(separator: "|")
    }

    /// The entry as a beat puts it in force; with the definition that the deployment brings, if it is one of its own.
    func adopted(document: String?) -> ScheduleAdoption.Entry {
        ScheduleAdoption.Entry(version: version, document: document, queues: overlap.policy == .queue)
    }

    /// The delay of a slot's job: 64-bit FNV-1a of name and slot, spread over the jitter.
    func delay(of slot: Timestamp) -> Duration? {
        guard jitter > .zero else { return nil }
        let hash = "\(name)\u{0}\(slot.microseconds)".utf8.reduce(UInt64(0xCBF2_9CE4_8422_2325)) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
        // The low bits of this hash are the weaker ones; the product with the jitter keeps the high ones.
        return .microseconds(Int64(UInt64(max(jitter.wholeMicroseconds, 1)).multipliedFullWidth(by: hash).high))
    }

    /// The message of one slot: Celery's header for jobs of a beat, and the slot's instant; `nil`: of a run by hand, which is of no slot.
    func outgoing(slot: Timestamp?, router: Router, format: ContentFormat = .json) throws -> Outgoing {
        var headers = Message.Headers(task: task, id: JobID.make())
        headers.rootID = headers.id
        headers.origin = "apium-beat"
        headers.argsRepr = PythonText.list(args)
        headers.kwargsRepr = PythonText.dictionary(kwargs)
        headers.custom = ["celery_beat_task": true]
        if let slot {
            headers.expires = expires.map { (slot + $0).iso8601 }
            headers.custom["apium_slot"] = .string(slot.iso8601)
            if overlap.policy != .allow { headers.custom[EntryRun.header] = .string(name) }
        }
        var properties = Message.Properties()
        properties.correlationID = headers.id
        let destination = try router.destination(of: task, wish: Route(queue: queue, priority: priority))
        var message = Message(headers: headers, properties: properties, body: Message.Body(bytes: []))
        try message.setArguments(TaskArguments(args: args, kwargs: kwargs), as: format)
        return Outgoing(message, to: destination, after: slot.flatMap { delay(of: $0) })
    }
}
