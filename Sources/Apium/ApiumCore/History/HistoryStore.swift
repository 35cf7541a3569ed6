/// Where workers keep what became of their jobs, counted by queue and name: the dashboard's charts, and the rates of the command line.
///
/// Nothing is written for a single job: a worker adds what it has counted every few seconds, so a crash loses those seconds. Jobs of
/// Celery's own workers are not counted.
public protocol HistoryStore: Sendable {
    /// Adds what a worker counted to the slots of this moment, on the broker's clock. A report that comes again, with the same source and
    /// number within 10 minutes, changes nothing.
    func record(_ report: HistoryReport) async throws

    /// The last slots of a resolution, the one under way last; those in which nothing was counted are there, and empty.
    ///
    /// - Parameter slots: how many; never more than are kept.
    func history(_ resolution: HistoryResolution, slots: Int) async throws -> [HistorySlot]
}

extension HistoryStore {
    /// Keeps nothing.
    public func record(_ report: HistoryReport) async throws {}

    /// Has kept nothing.
    public func history(_ resolution: HistoryResolution, slots: Int) async throws -> [HistorySlot] { [] }
}

/// How finely history is kept: the finer, the shorter.
public enum HistoryResolution: Int, Sendable, Hashable, CaseIterable {
    /// Slots of ten seconds, for half an hour.
    case tenSeconds = 10
    /// Slots of a minute, for a day.
    case minute = 60
    /// Slots of an hour, for 30 days.
    case hour = 3600

    /// How long a slot is.
    public var length: Duration { .seconds(rawValue) }

    /// How long a slot is kept after it has ended.
    public var life: Duration {
        switch self {
        case .tenSeconds: .minutes(30)
        case .minute: .hours(24)
        case .hour: .days(30)
        }
    }

    /// How many slots are kept.
    public var kept: Int { Int(life.components.seconds) / rawValue }

    /// The number of the slot that an instant is in, counted from 1970.
    public func slot(at now: Timestamp) -> Int64 { now.microseconds / 1_000_000 / Int64(rawValue) }

    /// The finest resolution that is kept for that long.
    public static func finest(over span: Duration) -> HistoryResolution { allCases.first { $0.life >= span } ?? .hour }
}

/// What a worker counted since its last report.
public struct HistoryReport: Sendable, Hashable {
    /// The most names of jobs, each with its queue, that a slot tells apart; further ones are counted together under ``HistoryKey/other``.
    public static let keyLimit = 128

    /// The process start that counted.
    public var source: String
    /// Grows with each report of the source.
    public var number: Int64
    /// What was counted.
    public var counts: [HistoryKey: JobCounts]
    /// The queues whose length is noted beside it.
    public var queues: [String]

    /// Makes a report.
    public init(source: String, number: Int64, counts: [HistoryKey: JobCounts], queues: [String]) {
        self.source = source
        self.number = number
        self.counts = counts
        self.queues = queues
    }
}

/// What jobs are counted by.
public struct HistoryKey: Sendable, Hashable {
    /// The queue they came from.
    public var queue: String
    /// The jobs' name.
    public var task: String

    /// Makes a key.
    public init(queue: String, task: String) {
        self.queue = queue
        self.task = task
    }

    /// Jobs whose names no worker knows, or beyond ``HistoryReport/keyLimit``.
    public static let other = HistoryKey(queue: "*", task: "*")
}

/// A stretch of time, and what was counted in it.
public struct HistorySlot: Sendable, Hashable {
    /// When it began.
    public var begin: Timestamp
    /// How long it is; one under way has not lasted that long yet.
    public var length: Duration
    /// What became of jobs.
    public var counts: [HistoryKey: JobCounts]
    /// How many messages waited in each queue when that was last noted in this slot.
    public var lengths: [String: Int]

    /// Makes a slot.
    public init(begin: Timestamp, length: Duration, counts: [HistoryKey: JobCounts] = [:], lengths: [String: Int] = [:]) {
        self.begin = begin
        self.length = length
        self.counts = counts
        self.lengths = lengths
    }

    /// Everything together.
    public var total: JobCounts { counts.values.reduce(into: JobCounts()) { $0.add($1) } }

    /// Adds a report's counts, keeping within the bounds.
    public mutating func add(_ more: [HistoryKey: JobCounts]) {
        for (key, value) in more.sorted(by: { ($0.key.queue, $0.key.task) < ($1.key.queue, $1.key.task) }) {
            let isKnown = counts[key] != nil || counts.count < HistoryReport.keyLimit
            counts[isKnown ? key : .other, default: JobCounts()].add(value)
        }
    }
}
