import ApiumCore
import DynamicJSON
import Logging
import Tracing

/// The life of one claimed message, one verb after another: decode, admit, acknowledge early, announce, run, decide, end.
/// What follows from the end is an ``AftermathPlanner``'s to say, and a ``JobEnding``'s to do.
final class JobExecution: Sendable {
    let environment: WorkerEnvironment
    let session: any BrokerSession
    let running: RunningJobs
    let revoked: RevokedJobs
    let writer: CompletionWriter
    /// Gives a job's slot back; called once for each.
    let release: @Sendable () -> Void

    init(
        environment: WorkerEnvironment, session: any BrokerSession, running: RunningJobs, revoked: RevokedJobs, writer: CompletionWriter,
        release: @escaping @Sendable () -> Void
    ) {
        self.environment = environment
        self.session = session
        self.running = running
        self.revoked = revoked
        self.writer = writer
        self.release = release
    }

    /// Runs the delivery to its end. One whose job is not this worker's to end is left in flight, and goes back with the session.
    func run(_ run: JobRun) async {
        guard run.delivery.payload.count <= environment.configuration.messageSizeLimit else { return await endOversized(run) }
        do {
            await self.run(run, try run.message())
        } catch {
            guard run.beginEnding() else { return comeBack(run) }
            writer.add(undecodable(run.delivery, error))
            release()
        }
    }

    private func run(_ run: JobRun, _ message: Message) async {
        guard message.joining.isEmpty else { return await resume(run, message) }
        if let lost = message.lostJob { return await tell(of: lost, run, message) }
        guard let entry = environment.registry[message.task] else {
            let verdict = await UnknownJob(session: session, logger: environment.logger).verdict(on: message, from: run.delivery.queue)
            return await end(verdict, run, environment.assignment(run.delivery, message))
        }
        let job: Assignment
        do {
            job = environment.assignment(run.delivery, message, entry, try message.arguments(accepting: environment.configuration.acceptedContent))
        } catch {
            return await end(unreadable(message, "\(error)"), run, environment.assignment(run.delivery, message, entry))
        }
        var runner: (any JobRunner)?
        do {
            if let verdict = try await refusal(of: job) {
                if case .notDue = verdict { environment.reporter.received(message) }
                return await end(verdict, run, job)
            }
            environment.reporter.received(message)
            let place = try await environment.runner(for: job)
            runner = place
            guard try await acknowledgeEarly(job) else {
                place.release()
                return leave(run)
            }
            try await announce(job, pid: place.pid)
            await self.run(entry, run, job, place)
        } catch {
            runner?.release()
            await notStarted(run, job, error)
        }
    }

    /// Runs the job in its place, and ends its delivery: both in the run's span, which what follows the job is sent from.
    private func run(_ entry: JobRegistry.Entry, _ run: JobRun, _ job: Assignment, _ runner: any JobRunner) async {
        await CurrentJob.$message.withValue(job.message) {
            guard let tracing = environment.tracing else { return await perform(entry, run, job, runner, nil) }
            await tracing.running(job) { await perform(entry, run, job, runner, $0) }
        }
    }

    private func perform(_ entry: JobRegistry.Entry, _ run: JobRun, _ job: Assignment, _ runner: any JobRunner, _ span: (any Span)?) async {
        let effects = RunEffects()
        let (verdict, ran) = await verdict(of: entry, run, job, runner, effects)
        span?.ended(verdict)
        // A job that comes back after its delivery was ended for it only frees its slot.
        guard run.beginEnding() else { return comeBack(run) }
        guard let verdict else { return release() }
        environment.history.ended(job, verdict, ran: ran)
        environment.reporter.ended(job, verdict, ran: ran)
        await ending(run, job, effects).end(verdict)
    }

    /// It is not this worker's any more: it does not run here, and nobody is to give it up.
    func leave(_ run: JobRun) {
        if run.beginEnding() { release() } else { comeBack(run) }
    }

    /// Frees the slot of a job whose delivery was ended without it, which may be counted as lost.
    private func comeBack(_ run: JobRun) {
        if run.returnsSlot() { environment.leaks.returned() }
        release()
    }

    /// The broker or the backend failed before the job ran, or it found no child process: it is tried again after a while, unless it was told
    /// to stop meanwhile.
    private func notStarted(_ run: JobRun, _ job: Assignment, _ error: any Error) async {
        if let reason = run.stopReason {
            let verdict = Verdict.thrown(
                error, stop: reason, retries: job.message.headers.retries, options: job.options, taskText: job.message.pythonCall)
            guard let verdict else { return release() }
            return await end(verdict, run, job)
        }
        environment.logger.error("a job could not be started", metadata: ["job": "\(job.message.id)", "error": "\(error)"])
        if let failure = error as? JobFailure { return await end(.failure(failure), run, job) }
        await end(.snooze(.seconds(1)), run, job)
    }

    /// Ends the delivery of a job that was told to stop and did not: its slot is lost until it comes back by itself.
    func giveUp(_ run: JobRun, _ reason: RunningJobs.StopReason) async {
        // A job is told to stop by what its message says: it was read.
        guard let message = try? run.message() else { return running.finished(run) }
        let job = assignment(run, message)
        if run.losesSlot() {
            environment.logger.error(
                "a job does not react to being stopped; it is ended without it, and its slot is lost",
                metadata: ["job": "\(message.id)", "task": "\(message.task)"])
            environment.leaks.leaked()
        }
        let verdict = Verdict.thrown(
            CancellationError(), stop: reason, retries: message.headers.retries, options: job.options, taskText: message.pythonCall)
        if let verdict {
            environment.history.ended(job, verdict, ran: nil)
            environment.reporter.ended(job, verdict)
            await JobEnding(environment: environment, writer: writer, run: run, job: job, effects: RunEffects(), release: {}).end(verdict)
        }
        running.finished(run)
    }

    /// The assignment of a delivery whose job does not run here, with what its message says if it can be read.
    private func assignment(_ run: JobRun, _ message: Message) -> Assignment {
        environment.assignment(
            run.delivery, message, environment.registry[message.task],
            try? message.arguments(accepting: environment.configuration.acceptedContent))
    }

    /// The completion of bytes that are no message: kept, never dropped (invariant 5).
    func undecodable(_ delivery: Delivery, _ error: any Error) -> Completion {
        environment.logger.error("a message cannot be read and is parked", metadata: ["queue": "\(delivery.queue)", "error": "\(error)"])
        return parked(delivery, "undecodable", "\(error)")
    }

    /// Parks a message that is too long. Its body is not read, for that would take several times its size in memory; its head is, so that
    /// whoever waits for the job gets an answer.
    private func endOversized(_ run: JobRun) async {
        let (delivery, limit) = (run.delivery, environment.configuration.messageSizeLimit)
        let reason = "the message has \(delivery.payload.count) bytes; this worker takes \(limit) (worker_max_message_size)"
        environment.logger.error("a message is too long and is parked", metadata: ["queue": "\(delivery.queue)", "bytes": "\(delivery.payload.count)"])
        guard let head = Message(headOf: delivery.payload) else {
            guard run.beginEnding() else { return comeBack(run) }
            writer.add(parked(delivery, "oversized", reason))
            return release()
        }
        await end(.parked(reason: reason, failure: Self.decodeError(reason)), run, environment.assignment(delivery, head))
    }

    /// A message that says which job it is, and not with what or when it is to run: kept, and whoever waits for the job gets an answer.
    private func unreadable(_ message: Message, _ reason: String) -> Verdict {
        environment.logger.error(
            "a job's message cannot be read and is parked", metadata: ["job": "\(message.id)", "task": "\(message.task)", "error": "\(reason)"])
        return .parked(reason: reason, failure: Self.decodeError(reason))
    }

    private static func decodeError(_ reason: String) -> JobFailure {
        JobFailure(type: "DecodeError", arguments: [.string(reason)], module: "kombu.exceptions")
    }

    private func parked(_ delivery: Delivery, _ kind: String, _ reason: String) -> Completion {
        environment.metrics.parked(from: delivery.queue)
        let record = ShelvedRecord(
            id: "\(kind)-\(delivery.fence)", task: nil, queue: delivery.queue, reason: reason, at: environment.now(), attempts: 0, payload: delivery.payload)
        var completion = Completion(delivery.tag, .shelve(.parked, record))
        completion.keepsMessage = true
        return completion
    }

    private func ending(_ run: JobRun, _ job: Assignment, _ effects: RunEffects = RunEffects()) -> JobEnding {
        JobEnding(environment: environment, writer: writer, run: run, job: job, effects: effects, release: release)
    }

    /// Ends a delivery whose job did not run.
    private func end(_ verdict: Verdict, _ run: JobRun, _ job: Assignment) async {
        guard run.beginEnding() else { return comeBack(run) }
        environment.history.turnedAway(job, verdict, isKnown: environment.registry[job.message.task] != nil)
        environment.metrics.ended(job, isKnown: environment.registry[job.message.task] != nil, verdict)
        environment.reporter.ended(job, verdict)
        await ending(run, job).end(verdict)
    }

    /// The job has ended in a worker that was lost before it had sent the body of a chord: that is all there is left to do.
    private func resume(_ run: JobRun, _ message: Message) async {
        guard run.beginEnding() else { return comeBack(run) }
        await ending(run, assignment(run, message)).resume(message.joining)
    }

    /// A job has ended with its worker, and its errbacks are still to be told.
    private func tell(of lost: LostJob, _ run: JobRun, _ message: Message) async {
        let arguments: TaskArguments
        do {
            arguments = try message.arguments(accepting: environment.configuration.acceptedContent)
        } catch {
            // The job's own failure is stored: nobody waits for this message.
            environment.logger.error("the errbacks of a lost job cannot be read; they are parked", metadata: ["job": "\(lost.id)", "error": "\(error)"])
            return await end(.parked(reason: "\(error)", failure: nil), run, environment.assignment(run.delivery, message))
        }
        guard run.beginEnding() else { return comeBack(run) }
        await ending(run, environment.assignment(run.delivery, message, nil, arguments)).tell(of: lost)
    }

    /// Whether the job must not run now: revoked, expired, or not due. The broker's clock decides, and is asked only
    /// when the message names a time.
    private func refusal(of job: Assignment) async throws -> Verdict? {
        let message = job.message
        if revoked.forbids(message) || environment.status.forbids(message) { return .revoked("revoked") }
        if let (turn, wait) = environment.status.turn(of: message, at: environment.now()) { return .snooze(wait, turn: turn) }
        if job.options.deduplicatesSuccessful, message.properties.redelivered,
            let stored = try await environment.results.document(for: message.id), stored.state == .success
        {
            // Where results are stored apart they are stored first: the children are what was to be sent, and may never have been.
            let followed = environment.configuration.resultsTravelWithCompletion && !(stored.children ?? []).isEmpty
            return .succeededBefore(stored.result, followed: followed)
        }
        guard message.headers.expires != nil || message.headers.eta != nil else { return nil }
        let now = try await environment.broker.serverTime()
        if let text = message.headers.expires {
            guard let expires = Timestamp(iso8601: text) else { return unreadable(message, "expires is not an ISO 8601 time: \(text)") }
            if now > expires { return .revoked("expired") }
        }
        if let text = message.headers.eta {
            guard let eta = Timestamp(iso8601: text) else { return unreadable(message, "eta is not an ISO 8601 time: \(text)") }
            if eta > now { return .notDue(eta - now) }
        }
        return nil
    }

    /// Celery's early ack: from here on a crash ends the job instead of repeating it. False: the job is not ours any more.
    private func acknowledgeEarly(_ job: Assignment) async throws -> Bool {
        guard !job.options.acksLate else { return true }
        // "Already done" is this very call, repeated by the broker after a cut reply.
        return try await session.acknowledgeEarly([job.delivery.tag]) != [.taken]
    }

    private func announce(_ job: Assignment, pid: Int32) async throws {
        guard job.options.trackStarted, !job.ignoresResult else { return }
        let started: JSONValue = .object(["pid": .int(Int64(pid)), "hostname": .string(environment.configuration.name)])
        try await environment.results.store(job.document(.started, started, now: environment.now()))
    }

    private func verdict(
        of entry: JobRegistry.Entry, _ run: JobRun, _ job: Assignment, _ runner: any JobRunner, _ effects: RunEffects
    ) async -> (Verdict?, ran: Duration) {
        let context = environment.context(job, run.limits, effects)
        let begin = ContinuousClock.now
        let alarm = alarm(for: job, run)
        defer {
            alarm?.cancel()
            run.limits.forgetObservers()
        }
        var verdict: Verdict?
        let beganAt = environment.now()
        do {
            environment.history.started(job.message, from: job.delivery.queue, at: beganAt)
            run.began(at: beganAt, isAcknowledged: !job.options.acksLate, pid: runner.pid == environment.pid ? nil : runner.pid)
            environment.reporter.started(job.message)
            verdict = .success(try await runner.run(entry, job.arguments ?? TaskArguments(), in: context))
        } catch {
            verdict = Verdict.thrown(
                error, stop: run.stopReason, softLimit: run.limits.softLimitHasPassed, retries: job.message.headers.retries, options: job.options,
                taskText: job.message.pythonCall)?.weighed(for: job, crashLimit: environment.configuration.isolation.crashLimit)
        }
        // What takes the job's place counts before what the job said then, but not before what was done to it.
        if let plan = effects.replacement, run.stopReason == nil { verdict = .replaced(plan) }
        let ran = ContinuousClock.now - begin
        environment.metrics.ran(job, verdict, began: beganAt, for: ran)
        environment.log(verdict, context, ran: ran)
        return (verdict, ran)
    }

    /// Tells the job when its limits have passed.
    private func alarm(for job: Assignment, _ run: JobRun) -> Task<Void, any Error>? {
        let (hard, soft) = TimeLimits.of(job)
        guard hard != nil || soft != nil else { return nil }
        let running = running
        return Task {
            if let soft, soft < hard ?? .seconds(1e9) {
                try await Task.sleep(for: soft)
                run.softLimit()
            }
            guard let hard else { return }
            try await Task.sleep(for: hard - (soft.map { min($0, hard) } ?? .zero))
            running.stop(run, .timeLimit(hard))
        }
    }
}

/// The limits of a run.
enum TimeLimits {
    /// A message's limits count before the job's own.
    static func of(_ job: Assignment) -> (hard: Duration?, soft: Duration?) {
        let limits = job.message.headers.timeLimits
        return (limits.hard ?? job.options.timeLimit, limits.soft ?? job.options.softTimeLimit)
    }
}

extension Message {
    /// The call as Celery words it in errors.
    var pythonCall: String { "\(task)[\(id)] args:\(headers.argsRepr ?? "()") kwargs:\(headers.kwargsRepr ?? "{}")" }
}
