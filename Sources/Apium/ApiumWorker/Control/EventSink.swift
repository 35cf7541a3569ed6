import ApiumCore
import DynamicJSON
import Logging
import Synchronization

/// Collects events and publishes them off the jobs' path: while one publication is under way the next batch gathers. What cannot be
/// published is dropped, for events never slow or fail a job.
final class EventSink: Sendable {
    private struct State {
        var pending: [WorkerEvent] = []
        var waiter: CheckedContinuation<Void, Never>?
        var isClosed = false
        var dropped = 0
    }

    private let state = Mutex(State())
    private let wantsTasks: Atomic<Bool>
    private let transport: (any EventTransport)?
    private let configuration: MonitoringConfiguration
    private let node: String
    private let pid: Int32
    private let clock: LamportClock
    private let now: @Sendable () -> Timestamp
    private let logger: Logger
    /// Events in one message at most.
    private let batchLimit = 200
    /// Events that wait at most.
    private let pendingLimit = 20_000

    init(
        _ transport: (any EventTransport)?, _ configuration: WorkerConfiguration, pid: Int32, clock: LamportClock, now: @escaping @Sendable () -> Timestamp,
        logger: Logger
    ) {
        self.transport = transport
        self.configuration = configuration.monitoring
        node = configuration.name
        self.pid = pid
        self.clock = clock
        self.now = now
        self.logger = logger
        wantsTasks = Atomic(transport != nil && configuration.monitoring.taskEvents)
    }

    /// Whether there is anywhere to publish to.
    var isAvailable: Bool { transport != nil }

    /// Whether events about jobs are wanted: asked before an event's fields are made, several times for each job.
    var tellsTasks: Bool { wantsTasks.load(ordering: .acquiring) }

    /// Turns events about jobs on or off; false when they were so already.
    func tellTasks(_ wanted: Bool) -> Bool {
        wantsTasks.exchange(wanted && transport != nil, ordering: .acquiringAndReleasing) != wanted
    }

    /// Makes an event now: its clock and its time are those of this moment.
    func event(_ type: String, _ fields: [String: JSONValue]) -> WorkerEvent {
        WorkerEvent(type, node: node, at: now(), clock: clock.forward(), pid: pid, fields: fields)
    }

    /// Sends an event with the next publication.
    func send(_ event: WorkerEvent) {
        guard transport != nil else { return }
        let waiter = state.withLock { state -> CheckedContinuation<Void, Never>? in
            guard !state.isClosed, state.pending.count < pendingLimit else {
                state.dropped += 1
                return nil
            }
            state.pending.append(event)
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Publishes an event with something else that is sent within so long; it does not wait behind others here.
    func sendInPassing(_ event: WorkerEvent, within limit: Duration) async {
        do {
            try await transport?.publishInPassing(event, exchange: configuration.eventExchange, within: limit)
        } catch {
            logger.debug("an event could not be published and is dropped", metadata: ["event": "\(event.type)", "error": "\(error)"])
        }
    }

    /// Lets ``run()`` end once what waits is published.
    func close() {
        let waiter = state.withLock { state in
            state.isClosed = true
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.resume()
    }

    /// Publishes until closed.
    func run() async {
        while true {
            let (batch, isClosed, dropped) = state.withLock { state in
                let batch = Self.nextBatch(of: &state.pending, limit: batchLimit)
                defer { state.dropped = 0 }
                return (batch, state.isClosed, state.dropped)
            }
            if dropped > 0 { logger.warning("events were dropped because they could not be published fast enough", metadata: ["events": "\(dropped)"]) }
            if batch.isEmpty {
                if isClosed { return }
                await untilPending()
            } else {
                await publish(batch)
            }
        }
    }

    /// The next events that fit one message: a run of task events, or a single other one.
    static func nextBatch(of pending: inout [WorkerEvent], limit: Int) -> [WorkerEvent] {
        guard let first = pending.first else { return [] }
        let run = first.group == "task" ? pending.prefix(limit).prefix { $0.group == "task" } : pending.prefix(1)
        pending.removeFirst(run.count)
        return Array(run)
    }

    private func publish(_ batch: [WorkerEvent]) async {
        do {
            try await transport?.publish(batch, exchange: configuration.eventExchange)
        } catch {
            logger.debug("events could not be published and are dropped", metadata: ["events": "\(batch.count)", "error": "\(error)"])
        }
    }

    private func untilPending() async {
        await withCheckedContinuation { continuation in
            let ready = state.withLock { state -> Bool in
                if !state.pending.isEmpty || state.isClosed { return true }
                state.waiter = continuation
                return false
            }
            if ready { continuation.resume() }
        }
    }
}
