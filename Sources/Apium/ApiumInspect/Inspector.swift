import ApiumCore
import DynamicJSON

/// Looks at a running system: where jobs are and why, who works, what waits. It changes nothing.
///
/// ```swift
/// let inspector = Inspector(broker: connection.broker, results: connection.results)
/// print(try await inspector.explain(id).text(in: .english))
/// ```
///
/// Every look is bounded by ``depth``. Jobs move while they are looked for, so an answer says what was so a moment ago.
public struct Inspector: Sendable {
    /// The broker that is looked at.
    public let broker: any InspectableBroker
    /// Its result backend.
    public let results: any InspectableResults
    /// How many messages of each queue, and of what waits for its time, are looked at before a look gives up. Default: 10,000.
    public var depth = 10_000
    /// How many messages of workers are looked at.
    var flightLimit = 100_000
    /// How long a worker may take to say since when it runs a job; zero: it is not asked. Default: half a second.
    public var patience = Duration.milliseconds(500)
    /// How long it is watched how fast a waiting job comes nearer to its start, where no worker of ours has counted what it took; zero: not at all.
    /// Default: half a second.
    public var watch = Duration.milliseconds(500)
    /// Lets the time pass for which something is watched.
    var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    /// The exchange on which workers are asked. Default: `celery.pidbox`.
    public var controlExchange = "celery.pidbox"

    /// Makes an inspector.
    public init(broker: any InspectableBroker, results: any InspectableResults) {
        self.broker = broker
        self.results = results
    }

    /// How many messages one step of a look takes: short enough not to hold the server up.
    static let page = 200

    /// Looks through the ready messages of a queue, page by page.
    ///
    /// - Parameter body: gets each page; answers whether to go on.
    /// - Returns: how many messages were looked at.
    func readyPages(of queue: String, from: Int = 0, mentioning texts: [String] = [], _ body: ([ReadyRecord]) async throws -> Bool) async throws -> Int {
        var looked = 0
        while looked < depth {
            let window = ScanWindow(from: from + looked, count: min(Self.page, depth - looked), mentioning: texts)
            let page = try await broker.readyMessages(in: queue, window)
            looked += page.looked
            guard try await body(page.records), page.looked == window.count else { break }
        }
        return looked
    }

    /// The same of a queue that the broker's user may not be allowed to read: that is noted, and none were looked at.
    func readyPages(
        of queue: String, mentioning texts: [String] = [], noting gaps: inout Set<Gap>, _ body: ([ReadyRecord]) async throws -> Bool
    ) async throws -> Int {
        guard let looked = try await ifPermitted({ try await readyPages(of: queue, mentioning: texts, body) }) else {
            gaps.insert(.queue(queue))
            return 0
        }
        return looked
    }

    /// Looks through what waits for its time, page by page; see ``readyPages(of:from:mentioning:_:)``.
    func scheduledPages(from: Int = 0, mentioning texts: [String] = [], _ body: ([ScheduledRecord]) async throws -> Bool) async throws -> Int {
        var looked = 0
        while looked < depth {
            let window = ScanWindow(from: from + looked, count: min(Self.page, depth - looked), mentioning: texts)
            let page = try await broker.scheduledMessages(window)
            looked += page.looked
            guard try await body(page.records), page.looked == window.count else { break }
        }
        return looked
    }

    /// The jobs that limits and pauses hold back, each with what it waits for and how many are before it; at most ``depth`` of each.
    func heldJobs(_ holds: [HoldRow]) async throws -> HeldSight {
        var sight = HeldSight()
        for row in holds where row.holdsItsOwn {
            let waiting = try await broker.waitingJobs(on: row.target, limit: depth)
            sight.jobs += waiting.enumerated().map { HeldJob(row: row, job: $0.element, position: $0.offset) }
            if row.waiting > depth { sight.unseen.append(QueueSight(place: .held(row.target), length: row.waiting, looked: depth)) }
        }
        return sight
    }

    /// What was seen of the jobs that limits and pauses hold back.
    struct HeldSight {
        var jobs: [HeldJob] = []
        /// The targets for which more wait than were looked at.
        var unseen: [QueueSight] = []
    }

    /// A job that a limit or a pause holds back.
    struct HeldJob {
        let row: HoldRow
        let job: WaitingJob
        /// How many are let go before it.
        let position: Int

        var message: WaitingMessage { WaitingMessage(.held(row.target), queue: job.queue, payload: job.payload, key: job.key) }
    }

}

extension HoldRow {
    /// Whether jobs wait for this target itself: all keys of a name are the sum of rows of their own.
    var holdsItsOwn: Bool {
        if case .eachKey = target { return false }
        return waiting > 0
    }
}
