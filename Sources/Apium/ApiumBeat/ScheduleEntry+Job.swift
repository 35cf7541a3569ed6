import ApiumCore
import DynamicJSON

extension ScheduleEntry {
    /// An entry whose job is a value of a job type: its fields are the arguments, and the type's options give queue, priority and expiry
    /// unless they are given here.
    ///
    /// ```swift
    /// try ScheduleEntry("nightly", WriteReport(kind: .daily), .crontab("0 3 * * *", in: berlin), catchUp: .once)
    /// ```
    ///
    /// - Throws: ``ApiumError`` `badArguments` for a job that does not encode as an object.
    public init<Definition: JobDefinition>(
        _ name: String, _ job: Definition, _ schedule: Schedule, queue: String? = nil, priority: Int? = nil, expires: Duration? = nil,
        jitter: Duration = .zero, start: Timestamp? = nil, end: Timestamp? = nil, catchUp: CatchUp = .skip, overlap: Overlap = .allow, isEnabled: Bool = true
    ) throws {
        guard case .object(let kwargs) = try JSONValueEncoder().encode(job) else {
            throw ApiumError(.badArguments, "\(Definition.name) does not encode as an object, so it has no keyword arguments")
        }
        var zone = ScheduleZone.utc
        if case .crontab(_, let own, _) = schedule { zone = own }
        self.init(
            name: name, task: Definition.name, schedule: schedule, zone: zone, kwargs: kwargs, queue: queue ?? Definition.options.queue,
            priority: priority ?? Definition.options.priority, expires: expires, jitter: jitter, start: start, end: end, catchUp: catchUp, overlap: overlap,
            isEnabled: isEnabled)
    }
}

extension Schedule {
    /// At the times of a crontab, for schedules in code.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` for what is no crontab.
    public static func crontab(_ text: String, in zone: ScheduleZone = .utc, change: ClockChange = ClockChange()) throws -> Schedule {
        .crontab(try Crontab(text), zone, change)
    }
}
