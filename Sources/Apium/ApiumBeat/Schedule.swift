import ApiumCore
import DynamicJSON

/// When an entry fires.
public enum Schedule: Sendable, Hashable, CustomStringConvertible {
    /// At every whole multiple of the duration since 1970-01-01T00:00:00Z, so that all beats agree on the slots without talking.
    case every(Duration)
    /// At the times of a crontab, in a zone.
    case crontab(Crontab, ScheduleZone)
    /// Once.
    case at(Timestamp)

    /// The first slot after an instant; `nil` when there is none.
    public func next(after instant: Timestamp) -> Timestamp? {
        switch self {
        case .every(let period):
            let step = max(period.wholeMicroseconds, 1)
            let past = instant.microseconds
            let quotient = past >= 0 ? past / step : (past - step + 1) / step
            return Timestamp(microseconds: (quotient + 1) * step)
        case .crontab(let crontab, let zone): return crontab.next(after: instant, in: zone)
        case .at(let moment): return moment > instant ? moment : nil
        }
    }

    /// The last slot at or before an instant; looked for in growing windows, at most a year back.
    public func last(before instant: Timestamp) -> Timestamp? {
        if case .every(let period) = self { return next(after: instant + (.zero - period)) }
        for window: Duration in [.hours(1), .days(1), .days(31), .days(366)] {
            var last: Timestamp?
            var cursor = instant + (.zero - window)
            while let slot = next(after: cursor), slot <= instant {
                last = slot
                cursor = slot
            }
            if let last { return last }
        }
        return nil
    }

    public var description: String {
        switch self {
        case .every(let period): "every \(period)"
        case .crontab(let crontab, _): "crontab \(crontab)"
        case .at(let moment): "at \(moment.iso8601)"
        }
    }
}

/// One line of the schedule: what is enqueued when.
public struct ScheduleEntry: Sendable, Hashable {
    /// What happens to slots that no beat was there for.
    public enum CatchUp: String, Sendable, Hashable, CaseIterable {
        /// They are skipped. The default.
        case skip
        /// The newest of them is made good.
        case once
    }

    /// The entry's name: unique in the schedule.
    public var name: String
    /// The task's name.
    public var task: String
    /// When.
    public var schedule: Schedule
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
    /// What happens to missed slots.
    public var catchUp: CatchUp
    /// Whether it fires at all.
    public var isEnabled: Bool

    /// Makes an entry.
    public init(
        name: String, task: String, schedule: Schedule, args: [JSONValue] = [], kwargs: [String: JSONValue] = [:], queue: String? = nil, priority: Int? = nil,
        expires: Duration? = nil, catchUp: CatchUp = .skip, isEnabled: Bool = true
    ) {
        self.name = name
        self.task = task
        self.schedule = schedule
        self.args = args
        self.kwargs = kwargs
        self.queue = queue
        self.priority = priority
        self.expires = expires
        self.catchUp = catchUp
        self.isEnabled = isEnabled
    }

    /// The message of one slot: Celery's header for jobs of a beat, and the slot's instant.
    func outgoing(slot: Timestamp, router: Router) throws -> Outgoing {
        var headers = Message.Headers(task: task, id: JobID.make())
        headers.rootID = headers.id
        headers.origin = "apium-beat"
        headers.argsRepr = PythonText.list(args)
        headers.kwargsRepr = PythonText.dictionary(kwargs)
        headers.expires = expires.map { (slot + $0).iso8601 }
        headers.custom = ["celery_beat_task": true, "apium_slot": .string(slot.iso8601)]
        var properties = Message.Properties()
        properties.correlationID = headers.id
        let body = TaskArguments(args: args, kwargs: kwargs).encodedBody()
        let destination = try router.destination(of: task, wish: Route(queue: queue, priority: priority))
        return Outgoing(Message(headers: headers, properties: properties, body: body), to: destination)
    }
}
