import ApiumCore
import Logging
import Synchronization

/// One session of a worker from open to close: four loops over one set of slots.
///
/// The order at the end is what keeps jobs safe: stop claiming, let jobs end (grace), cancel the rest, write what has
/// ended, and only then close the session, which gives back what is left. A job that still runs then is fenced off: its
/// end is refused, because its delivery is no longer this session's.
final class WorkerSession: Sendable {
    let running: RunningJobs
    /// How many slots it was made with.
    let slotsAtFirst: Int
    /// What the broker was last told to serve.
    private let told: Mutex<ServedQueues>
    private let environment: WorkerEnvironment
    private let session: any BrokerSession
    private let stop: StopSignal
    private let lost = StopSignal()
    private let slots: SlotGate
    private let writer: CompletionWriter
    private let revoked = RevokedJobs()
    private let execution: JobExecution

    /// - Parameter queues: what the session was opened with.
    init(environment: WorkerEnvironment, session: any BrokerSession, serving queues: ServedQueues, stop: StopSignal) {
        self.environment = environment
        self.session = session
        self.stop = stop
        running = RunningJobs(patience: environment.configuration.cancellationPeriod)
        told = Mutex(queues)
        slotsAtFirst = environment.status.concurrency
        slots = SlotGate(slots: slotsAtFirst)
        writer = CompletionWriter(session: session, logger: environment.logger) { [reporter = environment.reporter] in reporter.written($0, $1) }
        execution = JobExecution(environment: environment, session: session, running: running, revoked: revoked, writer: writer) { [slots] in slots.release(1) }
    }

    /// Serves until the worker is stopped or the lease is lost.
    func serve() async {
        environment.logger.info(
            "serving", metadata: ["queues": "\(environment.configuration.queues.joined(separator: ","))", "incarnation": "\(session.incarnation)"])
        // The writer outlives cancellation: what has ended is written even when the worker is stopped at once.
        let writing = Task(executorPreference: session.executor) { [writer] in await writer.run() }
        // And so does who listens: a lease that is lost while jobs end, and whom it is told to stop then, must be heard.
        let watching = Task { await watchSession() }
        await withTaskGroup(of: Void.self) { group in
            group.addTask(executorPreference: self.session.executor) { await self.fetch() }
            group.addTask { await self.maintain() }
            group.addTask { await self.stop.wait() }
            group.addTask { await self.lost.wait() }
            // The first two to end are the signals: stop, or lost lease. The loops never end by themselves.
            await group.next()
            group.cancelAll()
        }
        await finish()
        watching.cancel()
        await watching.value
        writer.close()
        // What can't be written now, because the broker is away, stays in flight. Closing the session ends the attempts.
        _ = await Task { await writing.isOver(within: environment.configuration.cancellationPeriod) }.value
        await close()
        await writing.value
    }

    // MARK: Remote control

    /// What is revoked, as last read.
    var control: ControlState { revoked.control }

    /// Whether it ended because its lease was lost.
    var hasLostLease: Bool { lost.isRaised }

    /// What it serves.
    var served: ServedQueues { told.withLock { $0 } }

    /// Serves these queues from now on.
    func serve(_ queues: ServedQueues) async throws {
        try await session.serve(queues.names, binding: queues.bindings)
        told.withLock { $0 = queues }
    }

    /// More slots, or fewer.
    func resize(by count: Int) { slots.resize(by: count) }

    // MARK: The loops

    private func fetch() async {
        while !Task.isCancelled {
            await writer.untilRoom(environment.status.concurrency)
            let free = await slots.takeFree()
            guard free > 0 else { return }
            do {
                let claim = try await session.claim(limit: free)
                slots.release(free - claim.deliveries.count)
                guard await knowsControl(of: claim) else { return }
                await start(claim.deliveries)
            } catch {
                slots.release(free)
                if error is CancellationError { return }
                environment.logger.error("claiming failed", metadata: ["error": "\(error)"])
                await stop.wait(atMost: .milliseconds(200))
            }
        }
    }

    /// Starts what may run. The jobs that are under limits ask first, all in one call and in their order; the others don't wait for them.
    /// The messages of those are read by their own tasks: what is allocated there is freed there, and this loop goes on.
    private func start(_ deliveries: [Delivery]) async {
        let desk = AdmissionDesk(
            holds: revoked.holds, registry: environment.registry, content: environment.configuration.acceptedContent)
        var asking: [AdmissionDesk.Question] = []
        var runs: [JobRun] = []
        for delivery in deliveries {
            let isTooLong = delivery.payload.count > environment.configuration.messageSizeLimit
            if !isTooLong, let question = desk.question(delivery, isRevoked: revoked.forbids) {
                asking.append(question)
            } else {
                runs.append(JobRun(delivery, execution))
            }
        }
        running.start(runs)
        guard !asking.isEmpty else { return }
        guard let outcomes = await outcomes(of: asking) else { return slots.release(asking.count) }
        let admitted = zip(asking, outcomes).filter { $0.1 == .admitted }.map { question, _ in JobRun(question.delivery, question.message, execution) }
        running.start(admitted)
        slots.release(asking.count - admitted.count)
    }

    /// Asks until there is an answer; `nil` when the session ends first, and what has asked goes back with it.
    private func outcomes(of questions: [AdmissionDesk.Question]) async -> [AdmissionOutcome]? {
        while !Task.isCancelled && !lost.isRaised && !stop.isRaised {
            do {
                return try await session.admit(questions.map(\.admission))
            } catch {
                environment.logger.error("limits could not be asked; trying again", metadata: ["jobs": "\(questions.count)", "error": "\(error)"])
                await stop.wait(atMost: .milliseconds(200))
            }
        }
        return nil
    }

    private func watchSession() async {
        await readControl()
        for await event in session.events {
            switch event {
            case .controlChanged(let epoch):
                if epoch != revoked.epoch { await readControl() }
            case .leaseLost:
                environment.logger.error("the lease was lost: the jobs under way are other workers' now and are cancelled")
                running.stopAll(.abandoned)
                lost.raise(.now)
            }
        }
        // The stream's end without a lost lease means that the session is of no more use.
        if !Task.isCancelled { lost.raise(.now) }
    }

    /// What was claimed waits until it is known which of it is revoked (invariant 8): it could not be ended now either.
    /// False when the session ends first: the claimed jobs then go back with it.
    private func knowsControl(of claim: Claim) async -> Bool {
        while claim.controlEpoch != revoked.epoch {
            if await readControl() { return true }
            if lost.isRaised || stop.isRaised { return false }
            await stop.wait(atMost: .milliseconds(200))
        }
        return true
    }

    @discardableResult
    func readControl() async -> Bool {
        do {
            let known = revoked.known
            let news = try await session.control(since: known.epoch, knowing: known.ids)
            revoked.update(news)
            if !news.terminated.isEmpty || !news.terminatedStamps.isEmpty { running.stop(.revoked()) { revoked.stops($0) } }
            return true
        } catch {
            environment.logger.error("revokes could not be read", metadata: ["error": "\(error)"])
            return false
        }
    }

    private func maintain() async {
        while !Task.isCancelled {
            var next = Duration.milliseconds(500)
            do {
                let report = try await session.maintain()
                environment.status.isOnDuty = report.isJanitor
                environment.metrics.maintained(report)
                if report.reaped > 0 || report.quarantined > 0 {
                    environment.logger.warning(
                        "jobs of dead workers were taken up", metadata: ["reaped": "\(report.reaped)", "quarantined": "\(report.quarantined)"])
                }
                next = report.next
            } catch is CancellationError {
                return
            } catch {
                environment.logger.debug("maintenance failed", metadata: ["error": "\(error)"])
            }
            await session.untilMaintenance(atMost: next)
        }
    }

    // MARK: The end

    private func finish() async {
        let configuration = environment.configuration
        if lost.isRaised {
            running.stopAll(.abandoned)
        } else if stop.urgency == .gracefully, running.count > 0 {
            environment.logger.info("stopping: running jobs have \(configuration.gracePeriod)", metadata: ["running": "\(running.count)"])
            await wait(for: .now, atMost: configuration.gracePeriod, orUntil: lost)
        }
        running.stopAll(.abandoned)
        if running.count > 0 {
            environment.logger.notice(
                "running jobs are cancelled; what does not end goes back to its queue",
                metadata: ["running": "\(running.count)", "at_once": "\(stop.urgency == .atOnce)"])
        }
        // A fresh task: the wait must not be cut short when the worker's own task was cancelled.
        await Task { await self.wait(for: .atOnce, atMost: configuration.cancellationPeriod) }.value
    }

    /// Waits for running jobs, until a more urgent signal, or until another one.
    private func wait(for signal: StopSignal.Urgency, atMost period: Duration, orUntil other: StopSignal? = nil) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { _ = await self.running.waitUntilIdle(within: period) }
            group.addTask { await self.stop.wait(for: signal) }
            if let other { group.addTask { await other.wait() } }
            await group.next()
            group.cancelAll()
        }
    }

    private func close() async {
        let session = session
        let logger = environment.logger
        await Task {
            do {
                try await session.close()
            } catch {
                logger.error("the session could not be closed; its jobs are given back when its lease ends", metadata: ["error": "\(error)"])
            }
        }.value
    }
}

extension Task where Success == Void, Failure == Never {
    /// Waits for the task's end, at most this long; answers whether it has ended. The task goes on.
    fileprivate func isOver(within limit: Duration) async -> Bool {
        let signal = StopSignal()
        let watching = Task<Void, Never> {
            await value
            signal.raise(.gracefully)
        }
        await signal.wait(atMost: limit)
        watching.cancel()
        return signal.isRaised
    }
}
