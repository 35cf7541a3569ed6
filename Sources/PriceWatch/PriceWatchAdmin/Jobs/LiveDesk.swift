import ApiumCore
import ApiumInspect

/// What the jobs' pages show, read once for all who look: a page that is open in ten browsers costs no more than in one.
actor LiveDesk {
    nonisolated let inspector: Inspector
    /// The queues that are shown before anybody has declared them.
    private let queues: [String]
    private var latest: (value: LiveSnapshot, until: ContinuousClock.Instant)?
    private var loading: Task<LiveSnapshot, any Error>?
    private var names: (queues: [String], until: ContinuousClock.Instant)?
    private var beats: [String: (renewals: Int64, at: ContinuousClock.Instant)] = [:]
    private var slots: [HistoryResolution: (slots: [HistorySlot], at: ContinuousClock.Instant)] = [:]
    private var answers: (slots: [String: Int], until: ContinuousClock.Instant)?

    init(inspector: Inspector, queues: [String]) {
        self.inspector = inspector
        self.queues = queues
    }

    /// How the system stands, at most a second ago.
    func snapshot() async throws -> LiveSnapshot {
        if let latest, latest.until > .now { return latest.value }
        if let loading { return try await loading.value }
        let task = Task { try await self.load() }
        loading = task
        defer { loading = nil }
        let value = try await task.value
        latest = (value, .now + .seconds(1))
        return value
    }

    /// Forgets what was read: somebody has changed something, and looks at it.
    func refresh() { latest = nil }

    /// The last slots of a resolution. What has ended is read once.
    func history(_ resolution: HistoryResolution, slots count: Int) async throws -> [HistorySlot] {
        let broker = inspector.broker
        let now = ContinuousClock.now
        guard let known = slots[resolution], known.slots.count >= count else {
            let all = try await broker.history(resolution, slots: count)
            slots[resolution] = (all, now)
            return all
        }
        // Workers tell of a slot for some seconds after its end.
        let passed = Int((now - known.at).inSeconds / Double(resolution.rawValue)) + 3
        let fresh = try await broker.history(resolution, slots: min(passed, count))
        guard let first = fresh.first?.begin else { return [] }
        let all = (known.slots.filter { $0.begin < first } + fresh).suffix(max(count, known.slots.count))
        slots[resolution] = (Array(all), now)
        return Array(all.suffix(count))
    }

    // MARK: Reading

    private func load() async throws -> LiveSnapshot {
        let broker = inspector.broker
        let workers = try await broker.registeredWorkers()
        let flights = try await broker.flights(limit: LiveSnapshot.flightLimit)
        let holds = try await broker.holds()
        let recent = History(
            resolution: .tenSeconds, slots: try await history(.tenSeconds, slots: LiveSnapshot.rateSlots), at: try await broker.serverTime())
        let queues = try await inspector.queues(try await queueNames(workers))
        var shelved: [Shelf: Int] = [:]
        for shelf in Shelf.allCases { shelved[shelf] = try await broker.shelvedCount(in: shelf) }
        return LiveSnapshot(
            at: recent.at, queues: queues, workers: try await states(of: workers, flights), running: flights.count,
            scheduled: try await broker.scheduledCount(), held: holds.reduce(0) { $0 + Self.waiting($1) }, shelved: shelved,
            pausedJobs: Dictionary(holds.compactMap { row in row.pausedSince.flatMap { since in row.target.job.map { ($0, since) } } }) { $1 },
            recent: recent)
    }

    private static func waiting(_ row: HoldRow) -> Int {
        // All keys of a name are the sum of rows of their own.
        if case .eachKey = row.target { 0 } else { row.waiting }
    }

    /// Looking for queues walks through the server's keys, so it is done once a minute.
    private func queueNames(_ workers: [RegisteredWorker]) async throws -> [String] {
        if names.map({ $0.until <= .now }) ?? true {
            names = (try await inspector.broker.inspectableQueues(), .now + .seconds(60))
        }
        return Set(queues + (names?.queues ?? []) + workers.flatMap(\.queues)).sorted()
    }

    private func states(of workers: [RegisteredWorker], _ flights: [FlightRecord]) async throws -> [LiveSnapshot.Worker] {
        let running = flights.reduce(into: [String: Int]()) { $0[$1.incarnation, default: 0] += 1 }
        let slots = await concurrency(of: workers)
        let now = ContinuousClock.now
        beats = beats.filter { beat in workers.contains { $0.incarnation == beat.key } }
        return workers.map { worker in
            if beats[worker.incarnation]?.renewals != worker.renewals { beats[worker.incarnation] = (worker.renewals, now) }
            let silence = now - (beats[worker.incarnation]?.at ?? now)
            return LiveSnapshot.Worker(
                worker: worker, isAlive: silence < worker.lease, running: running[worker.incarnation] ?? 0, concurrency: slots[worker.name])
        }
    }

    /// How many slots workers have, as they say themselves; asked every 15 seconds, and when another one is there.
    private func concurrency(of workers: [RegisteredWorker]) async -> [String: Int] {
        if let answers, answers.until > .now, workers.allSatisfy({ answers.slots[$0.name] != nil }) { return answers.slots }
        guard !workers.isEmpty, let transport = inspector.broker.controlTransport else { return [:] }
        let names = Set(workers.map(\.name))
        let request = ControlRequest("stats", destination: names.sorted())
        let replies = (try? await transport.ask(request, exchange: inspector.controlExchange, within: inspector.patience, limit: names.count)) ?? []
        var slots = answers?.slots.filter { names.contains($0.key) } ?? [:]
        for reply in replies { slots[reply.node] = reply.value["pool"]?["max-concurrency"]?.intValue.map(Int.init) }
        answers = (slots, .now + .seconds(15))
        return slots
    }
}

extension HoldTarget {
    /// The job's name, if it is about one.
    fileprivate var job: String? { if case .job(let name) = self { name } else { nil } }
}

/// How the system stands.
struct LiveSnapshot: Sendable {
    var at: Timestamp
    var queues: [QueueReport]
    var workers: [Worker]
    /// How many jobs workers hold; at most ``flightLimit``.
    var running: Int
    var scheduled: Int
    var held: Int
    var shelved: [Shelf: Int]
    /// Names of jobs that are paused, and since when.
    var pausedJobs: [String: Timestamp]
    /// The last five minutes.
    var recent: History

    static let flightLimit = 2_000
    static let rateSlots = 31

    struct Worker: Sendable {
        var worker: RegisteredWorker
        /// Whether it renewed its lease lately.
        var isAlive: Bool
        var running: Int
        var concurrency: Int?
    }

    /// How many jobs are ready to run.
    var waiting: Int { queues.reduce(0) { $0 + ($1.length ?? 0) } }

    /// Runs that ended per second, over the last minute.
    var throughput: Double {
        let slots = recent.slots.suffix(7)
        guard let begin = slots.first?.begin else { return 0 }
        return Double(slots.reduce(0) { $0 + $1.total.ended }) / max(1, (at - begin).inSeconds)
    }
}
