import ApiumCore
import DynamicJSON

/// A registered worker process, and what it is doing.
public struct WorkerReport: Sendable, Hashable {
    /// The process as it registered itself.
    public var worker: RegisteredWorker
    /// Whether it was seen to renew its lease. One that is not is lost in a lease's time, and its jobs run elsewhere.
    public var isRenewing: Bool
    /// The jobs that it holds.
    public var inFlight: [HeldJob]

    /// A job that a worker holds.
    public struct HeldJob: Sendable, Hashable {
        /// The job's id; `nil` for a message that cannot be read.
        public var id: String?
        /// The job's name.
        public var task: String?
        /// The queue it came from.
        public var queue: String
        /// What the worker does with it.
        public var activity: FlightRecord.Activity
    }

    /// The report for programs.
    public var json: JSONValue {
        [
            "name": .string(worker.name), "incarnation": .string(worker.incarnation), "pid": .int(Int64(worker.pid)), "host": .string(worker.host),
            "queues": .array(worker.queues.map { .string($0) }), "jobs": .array(worker.jobs.map { .string($0) }),
            "lease_seconds": .double(worker.lease.inSeconds), "renewing": .bool(isRenewing), "started": worker.started.json,
            "in_flight": .array(inFlight.map(\.json)),
        ]
    }
}

extension WorkerReport.HeldJob {
    fileprivate var json: JSONValue {
        ["id": id.json, "name": task.json, "queue": .string(queue), "state": .string(activity.name)]
    }
}

extension FlightRecord.Activity {
    /// The activity in a word.
    public var name: String {
        switch self {
        case .claimed: "running"
        case .acknowledged: "acknowledged"
        case .joining: "joining"
        }
    }
}

extension Inspector {
    /// All registered workers of ours, by name. Watches their renewals until each has been seen, or half a lease has passed.
    ///
    /// - Parameter name: only the worker of this name, or whose incarnation begins so. Default: all.
    public func workers(named name: String? = nil) async throws -> [WorkerReport] {
        let registered = try await broker.registeredWorkers().filter { worker in
            name.map { worker.name == $0 || worker.incarnation.hasPrefix($0) } ?? true
        }
        guard !registered.isEmpty else { return [] }
        var held: [String: [WorkerReport.HeldJob]] = [:]
        for record in try await broker.flights(limit: flightLimit) {
            let message = try? Message(decoding: record.payload)
            held[record.incarnation, default: []].append(
                WorkerReport.HeldJob(id: message?.id, task: message?.task, queue: record.queue, activity: record.activity))
        }
        let renewing = try await renewing(registered)
        return registered.map { WorkerReport(worker: $0, isRenewing: renewing.contains($0.incarnation), inFlight: held[$0.incarnation] ?? []) }
    }

    /// Those of the workers whose renewals were seen to go on.
    func renewing(_ workers: [RegisteredWorker]) async throws -> Set<String> {
        var waited = Dictionary(workers.map { ($0.incarnation, $0.renewals) }) { $1 }
        var seen: Set<String> = []
        let end = ContinuousClock.now + (workers.map(\.lease).max() ?? .zero) / 2
        while true {
            for worker in try await broker.registeredWorkers() {
                guard let before = waited[worker.incarnation], worker.renewals != before else { continue }
                seen.insert(worker.incarnation)
                waited[worker.incarnation] = nil
            }
            guard !waited.isEmpty, ContinuousClock.now < end else { return seen }
            try await Task.sleep(for: .milliseconds(50))
        }
    }
}
