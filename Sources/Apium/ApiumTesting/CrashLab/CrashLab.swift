import ApiumCore
import ApiumWorker
import Logging
import ServiceLifecycle

/// Runs a job once for each place at which its worker may die, and lets a test look at what became of it.
///
/// An effect is what others see of a run: its claim, each job it sends, each state it stores, each ``JobContext/effect(_:)`` it declares, and its
/// end. The first trial has no crash; then the worker dies before and after each effect. A dead worker does nothing more: its lease runs
/// out on a manual clock, and a second worker does what is left, times to wait being skipped. All is in memory; each trial begins with a
/// world of its own.
///
/// ```swift
/// try await CrashLab.run(ChargeOrder(order: 7)) {
///     let bank = FakeBank()
///     var registry = JobRegistry()
///     registry.register(ChargeOrder.self, using: bank)
///     return (registry, bank)
/// } check: { outcome, bank in
///     #expect(bank.charges == 1, "\(String(describing: outcome.point))")
/// }
/// ```
public enum CrashLab {
    /// Runs all trials.
    ///
    /// - Parameters:
    ///   - job: the job, which is enqueued in each trial.
    ///   - options: what its caller says.
    ///   - queues: what the workers serve. Default: the job's queue, else `celery`.
    ///   - patience: how long, in real time, a trial may take. Default: 20 seconds.
    ///   - prepare: makes the jobs, and what they work with.
    ///   - check: looks at the outcome of a trial.
    /// - Returns: the places at which the worker died.
    /// - Throws: what `prepare` and `check` throw; ``ApiumError`` `timedOut` for a trial that does not come to rest.
    @discardableResult
    public static func run<Definition: JobDefinition, World>(
        _ job: Definition, _ options: EnqueueOptions = EnqueueOptions(), queues: [String]? = nil, patience: Duration = .seconds(20),
        prepare: () async throws -> (JobRegistry, World), check: (CrashOutcome, World) async throws -> Void
    ) async throws -> [CrashPoint] {
        let queues = queues ?? [options.queue ?? Definition.options.queue ?? "celery"]
        func trial(_ target: CrashScript.Target?) async throws -> CrashOutcome {
            let (registry, world) = try await prepare()
            let outcome = try await CrashTrial(registry: registry, queues: queues, target: target, patience: patience).run(job, options)
            try await check(outcome, world)
            return outcome
        }
        let effects = try await trial(nil).effects
        var points: [CrashPoint] = []
        for (index, effect) in effects.enumerated() {
            // Before its claim a job is nobody's.
            let sides: [CrashPoint.Side] = if case .began = effect { [.after] } else { [.before, .after] }
            for side in sides {
                if let point = try await trial((side, index)).point { points.append(point) }
            }
        }
        return points
    }
}

/// One job, one death, and what follows.
private struct CrashTrial {
    let registry: JobRegistry
    let queues: [String]
    let target: CrashScript.Target?
    let patience: Duration
    private let clock = ManualClock()
    private let logger = Logger(label: "crash lab") { _ in SwiftLogNoOpLogHandler() }

    init(registry: JobRegistry, queues: [String], target: CrashScript.Target?, patience: Duration) {
        self.registry = registry
        self.queues = queues
        self.target = target
        self.patience = patience
    }

    func run<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions) async throws -> CrashOutcome {
        let broker = InMemoryBroker(clock: clock)
        let id = try await ApiumClient(broker: broker, results: broker.results).enqueue(job, options).id
        let (first, second) = (CrashScript(target: target), CrashScript(target: nil))
        try await beside(first, broker) {
            try await rest(broker, until: first)
            guard first.point != nil else { return }
            clock.advance(by: configuration("first").lease + .seconds(1))
            try await beside(second, broker) { try await rest(broker, until: nil) }
        }
        let effects = first.happened + second.happened
        let runs = effects.count { if case .began(let task) = $0 { task == Definition.name } else { false } }
        return CrashOutcome(
            point: first.point, id: id, result: try await broker.results.document(for: id), runs: runs, effects: effects, broker: broker)
    }

    /// Runs the body beside a worker of the script; a dead one is let go at the end.
    private func beside(_ script: CrashScript, _ broker: InMemoryBroker, _ body: () async throws -> Void) async throws {
        let client = ApiumClient(
            broker: CrashingBroker(broker: broker, script: script), results: CrashingResults(results: broker.results, script: script))
        let worker = try Worker(client: client, registry: registry, configuration: configuration("worker"), logger: logger)
        let group = ServiceGroup(configuration: ServiceGroupConfiguration(services: [worker], logger: logger))
        let serving = Task {
            try await EffectPoints.$observer.withValue({ name in try await script.perform(.declared(name)) {} }) { try await group.run() }
        }
        let result: Result<Void, any Error>
        do { result = .success(try await body()) } catch { result = .failure(error) }
        script.end()
        if script.point == nil { await group.triggerGracefulShutdown() } else { serving.cancel() }
        // A dead worker ends in an error of its own, which is nobody's.
        _ = await serving.result
        try result.get()
    }

    private func configuration(_ name: String) -> WorkerConfiguration {
        WorkerConfiguration(name: "\(name)@lab", queues: queues, concurrency: 1, gracePeriod: .seconds(1), cancellationPeriod: .seconds(1))
    }

    /// Waits until nothing is ready, in flight or scheduled, or the script's worker has died; what waits for a time gets it.
    private func rest(_ broker: InMemoryBroker, until script: CrashScript?) async throws {
        let (queues, patience) = (queues, patience)
        // For the whole of it: a job that waits again and again is at rest in between.
        let deadline = ContinuousClock.now + patience
        while true {
            guard ContinuousClock.now < deadline else { throw restless }
            let next = try await withThrowingTaskGroup(of: Timestamp??.self) { group in
                defer { group.cancelAll() }
                group.addTask {
                    try await broker.core.waitUntil { state, now -> Timestamp?? in
                        if script?.point != nil { return .some(nil) }
                        return state.isAtRest(queues, at: now) ? .some(state.scheduled.map(\.due).min()) : nil
                    }
                }
                group.addTask {
                    try await Task.sleep(until: deadline, clock: .continuous)
                    throw restless
                }
                return try await group.next() ?? nil
            }
            guard case .some(.some(let due)) = next else { return }
            clock.advance(by: due - clock.timestamp)
        }
    }

    private var restless: ApiumError {
        ApiumError(.timedOut, "the trial did not come to rest within \(patience): a job waits for something, or comes again for ever")
    }
}

extension BrokerState {
    /// Nothing is ready in these queues or in flight, and nothing is due.
    fileprivate func isAtRest(_ names: [String], at now: Timestamp) -> Bool {
        names.allSatisfy { queues[$0]?.count ?? 0 == 0 } && sessions.values.allSatisfy(\.flight.isEmpty) && !scheduled.contains { $0.due <= now }
    }
}
