import ApiumCore
import DynamicJSON
import Logging

/// The life of one claimed message, one verb after another: decode, admit, acknowledge early, announce, run, decide.
/// What is written in the end is a ``Verdict``'s to say.
struct JobExecution: Sendable {
    let environment: WorkerEnvironment
    let session: any BrokerSession
    let running: RunningJobs
    let revoked: RevokedJobs

    /// Runs the delivery to its completion; `nil` when the job is not this worker's to end (it goes back with the session).
    func completion(of delivery: Delivery, message: Message) async -> Completion? {
        guard let entry = environment.registry[message.task] else { return unknownTask(delivery, message) }
        var job = environment.assignment(delivery, message, entry.options)
        let arguments: TaskArguments
        do {
            arguments = try decodedArguments(of: message)
            job.arguments = arguments
        } catch {
            return Verdict.parked(reason: "\(error)", failure: nil).completion(of: job, now: environment.now())
        }
        do {
            if let verdict = try await refusal(of: message) { return await write(verdict, job) }
            guard try await acknowledgeEarly(job) else { return nil }
            try await announce(job)
        } catch {
            // The broker or the backend failed before the job ran: it stays in flight and is tried again after a while.
            environment.logger.error("a job could not be started", metadata: ["job": "\(message.id)", "error": "\(error)"])
            return Verdict.snooze(.seconds(1)).completion(of: job, now: environment.now())
        }
        guard let verdict = await run(entry, arguments, job) else { return nil }
        return await write(verdict, job)
    }

    /// The completion of bytes that are no message: kept, never dropped (invariant 5).
    func undecodable(_ delivery: Delivery, _ error: any Error) -> Completion {
        environment.logger.error("a message cannot be read and is parked", metadata: ["queue": "\(delivery.queue)", "error": "\(error)"])
        let record = ShelvedRecord(
            id: "undecodable-\(delivery.fence)", task: nil, queue: delivery.queue, reason: "\(error)", at: environment.now(), attempts: 0,
            payload: delivery.payload)
        return Completion(delivery.tag, .shelve(.parked, record))
    }

    private func unknownTask(_ delivery: Delivery, _ message: Message) -> Completion {
        environment.logger.error("no job of this name is registered; the message is parked", metadata: ["task": "\(message.task)", "job": "\(message.id)"])
        let failure = JobFailure(type: "NotRegistered", arguments: [.string(message.task)], module: "celery.exceptions")
        return Verdict.parked(reason: "no job named \(message.task) is registered with this worker", failure: failure)
            .completion(of: environment.assignment(delivery, message, JobOptions()), now: environment.now())
    }

    /// Workflow fields that this version would drop are refused rather than ignored: nothing is lost silently.
    private func decodedArguments(of message: Message) throws -> TaskArguments {
        let arguments = try message.arguments()
        guard arguments.embed.isEmpty else {
            throw ApiumError(.refusedContent, "the message carries callbacks, a chain or a chord, which this version does not run")
        }
        return arguments
    }

    /// Whether the job must not run now: revoked, expired, or not due. The broker's clock decides, and is asked only
    /// when the message names a time.
    private func refusal(of message: Message) async throws -> Verdict? {
        if revoked.contains(message.id) { return .revoked("revoked") }
        guard message.headers.expires != nil || message.headers.eta != nil else { return nil }
        let now = try await environment.broker.serverTime()
        if let text = message.headers.expires {
            guard let expires = Timestamp(iso8601: text) else { return .parked(reason: "expires is not an ISO 8601 time: \(text)", failure: nil) }
            if now > expires { return .revoked("expired") }
        }
        if let text = message.headers.eta {
            guard let eta = Timestamp(iso8601: text) else { return .parked(reason: "eta is not an ISO 8601 time: \(text)", failure: nil) }
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

    private func announce(_ job: Assignment) async throws {
        guard job.options.trackStarted, !job.ignoresResult else { return }
        let started: JSONValue = .object(["pid": .int(Int64(environment.pid)), "hostname": .string(environment.configuration.name)])
        try await environment.results.store(job.document(.started, started, now: environment.now()))
    }

    private func run(_ entry: JobRegistry.Entry, _ arguments: TaskArguments, _ job: Assignment) async -> Verdict? {
        let tag = job.delivery.tag
        let context = environment.context(job)
        let clock = ContinuousClock()
        let begin = clock.now
        let alarm = timeLimit(of: job).map { limit in
            Task {
                try await Task.sleep(for: limit)
                running.stop(tag, .timeLimit(limit))
            }
        }
        defer { alarm?.cancel() }
        let verdict: Verdict?
        do {
            verdict = .success(try await entry.run(arguments, context))
        } catch {
            verdict = Verdict.thrown(
                error, stop: running.stopReason(tag), retries: job.message.headers.retries, policy: job.options.retry,
                taskText: "\(job.message.task)[\(job.message.id)] args:\(job.message.headers.argsRepr ?? "()") kwargs:\(job.message.headers.kwargsRepr ?? "{}")"
            )
        }
        environment.metrics.ran(job.message.task, queue: job.delivery.queue, verdict, for: clock.now - begin)
        environment.log(verdict, context.logger, ran: clock.now - begin)
        return verdict
    }

    /// The shorter of the message's hard limit and the job's own. As with Celery 0 is no limit; neither is more than 30 years.
    private func timeLimit(of job: Assignment) -> Duration? {
        let header = job.message.headers.hardTimeLimit.flatMap { $0 > 0 && $0 < 1e9 ? Duration.seconds($0) : nil }
        return [header, job.options.timeLimit].compactMap { $0 }.min()
    }

    /// With a result backend of its own the result goes first, then the end of the delivery: a crash in between repeats
    /// the job, and the stored SUCCESS is not overwritten (invariant 6).
    private func write(_ verdict: Verdict, _ job: Assignment) async -> Completion? {
        var completion = verdict.completion(of: job, now: environment.now())
        guard !environment.configuration.resultsTravelWithCompletion, !completion.results.isEmpty else { return completion }
        var delay = Duration.milliseconds(100)
        while true {
            do {
                for document in completion.results { try await environment.results.store(document) }
                completion.results = []
                return completion
            } catch {
                if case .abandoned? = running.stopReason(job.delivery.tag) { return nil }
                environment.logger.error("a result could not be stored; trying again", metadata: ["job": "\(job.message.id)", "error": "\(error)"])
                do { try await Task.sleep(for: delay) } catch { return nil }
                delay = min(delay * 2, .seconds(5))
            }
        }
    }
}
