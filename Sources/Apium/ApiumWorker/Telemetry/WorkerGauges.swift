import ApiumCore
import Logging
import Metrics
import Synchronization

extension Worker {
    /// Brings the gauges up to date; to be called before metrics are read, so that nothing is measured that nobody looks at.
    ///
    /// Beside the worker's own, the worker that does the shared duties tells of all queues, shelves and workers: one process of many does, and
    /// another takes it over when that one is gone. It asks the broker once in 5 seconds at the most, and for 2 seconds at the most: what it
    /// doesn't know then is not shown.
    public func collectMetrics() async {
        guard environment.metrics.isOn else { return }
        let health = health
        gauges.own(health)
        await gauges.census.collect(isOnDuty: environment.status.isOnDuty)
    }
}

/// The gauges of a worker.
final class WorkerGauges: Sendable {
    let census: BrokerCensus
    private let own = Mutex<(ready: Gauge, running: Gauge, concurrency: Gauge)?>(nil)

    /// - Parameter declared: queues that are told of although no live worker serves them.
    init(_ broker: any Broker, declared: [String], logger: Logger) {
        census = BrokerCensus(broker as? any InspectableBroker, declared: declared, logger: logger)
    }

    func own(_ health: WorkerHealth) {
        let gauges = own.withLock { known in
            let gauges = known ?? (Gauge(label: "apium_worker_ready"), Gauge(label: "apium_worker_running_jobs"), Gauge(label: "apium_worker_concurrency"))
            known = gauges
            return gauges
        }
        gauges.ready.record(health.isReady ? 1 : 0)
        gauges.running.record(health.running)
        gauges.concurrency.record(health.concurrency)
    }
}

/// Counts what is on the broker, for gauges that one process shows for all.
actor BrokerCensus {
    /// What was seen.
    private struct Sight: Sendable {
        var lengths: [String: Int] = [:]
        var ages: [String: Duration] = [:]
        var shelves: [String: Int] = [:]
        var held = 0
        var scheduled = 0
        var workers = 0
    }

    private let broker: (any InspectableBroker)?
    private let declared: [String]
    private let logger: Logger
    private var looked: ContinuousClock.Instant?
    private var isLooking = false
    /// What is shown, by name and label: one that is no longer true is taken back.
    private var shown: [Series: Gauge] = [:]

    private struct Series: Hashable {
        var name: String
        var label: String = ""
        var value: String = ""
    }

    init(_ broker: (any InspectableBroker)?, declared: [String], logger: Logger) {
        self.broker = broker
        self.declared = declared
        self.logger = logger
    }

    func collect(isOnDuty: Bool) async {
        guard let broker, isOnDuty else { return show([:]) }
        guard !isLooking, looked.map({ .now - $0 >= Self.pause }) ?? true else { return }
        isLooking = true
        defer { isLooking = false }
        let sight = await sight(of: broker)
        looked = .now
        show(sight.map(Self.series) ?? [:])
    }

    /// `nil` when the broker did not answer in time.
    private func sight(of broker: any InspectableBroker) async -> Sight? {
        let (declared, logger) = (declared, logger)
        return await withTaskGroup(of: Sight?.self) { group in
            group.addTask {
                do {
                    return try await Self.look(at: broker, declared, logger)
                } catch {
                    if !(error is CancellationError) { logger.debug("the queues could not be counted", metadata: ["error": "\(error)"]) }
                    return nil
                }
            }
            group.addTask {
                try? await Task.sleep(for: Self.patience)
                return nil
            }
            let first = await group.next()
            group.cancelAll()
            return first ?? nil
        }
    }

    /// No key is searched for: that is more than a worker may do, and it would take the longer the more there are.
    private static func look(at broker: any InspectableBroker, _ declared: [String], _ logger: Logger) async throws -> Sight {
        let workers = try await broker.registeredWorkers()
        let now = try await broker.serverTime()
        var sight = Sight(workers: workers.count)
        for queue in Set(declared).union(workers.flatMap(\.queues)).sorted().prefix(queueLimit) {
            do {
                let length = try await broker.queueLength(queue)
                sight.lengths[queue] = length
                guard length > 0, let next = try await broker.readyMessages(in: queue, ScanWindow(count: 1)).records.first else { continue }
                sight.ages[queue] = (try? Message(decoding: next.payload))?.readySince.map { max(.zero, now - $0) }
            } catch let error as ApiumError where error.code != .unavailable && error.code != .timedOut {
                // A queue of others, which this one may not look at, hides none of ours.
                logger.debug("a queue could not be counted", metadata: ["queue": "\(queue)", "error": "\(error)"])
            }
        }
        sight.scheduled = try await broker.scheduledCount()
        for row in try await broker.holds() {
            // All keys of a name are the sum of rows of their own.
            if case .eachKey = row.target { continue }
            sight.held += row.waiting
        }
        for shelf in Shelf.allCases { sight.shelves[shelf.rawValue] = try await broker.shelvedCount(in: shelf) }
        return sight
    }

    private static func series(_ sight: Sight) -> [Series: Double] {
        var series: [Series: Double] = [
            Series(name: "apium_workers"): Double(sight.workers), Series(name: "apium_held_jobs"): Double(sight.held),
            Series(name: "apium_scheduled_jobs"): Double(sight.scheduled),
        ]
        for (queue, length) in sight.lengths {
            series[Series(name: "apium_queue_length", label: "queue", value: queue)] = Double(length)
            // An empty queue keeps nobody waiting; of one whose sender says no time nothing is known.
            guard let age = sight.ages[queue]?.inSeconds ?? (length == 0 ? 0 : nil) else { continue }
            series[Series(name: "apium_queue_oldest_seconds", label: "queue", value: queue)] = age
        }
        for (shelf, count) in sight.shelves { series[Series(name: "apium_shelf_jobs", label: "shelf", value: shelf)] = Double(count) }
        return series
    }

    private func show(_ values: [Series: Double]) {
        for (series, gauge) in shown where values[series] == nil {
            gauge.destroy()
            shown[series] = nil
        }
        for (series, value) in values {
            let gauge = shown[series] ?? Gauge(label: series.name, dimensions: series.label.isEmpty ? [] : [(series.label, series.value)])
            shown[series] = gauge
            gauge.record(value)
        }
    }

    /// How long an answer counts: several scrapers ask the broker once.
    private static let pause = Duration.seconds(5)
    /// How long the broker may take.
    private static let patience = Duration.seconds(2)
    /// How many queues are shown: labels are bounded.
    private static let queueLimit = 250
}
