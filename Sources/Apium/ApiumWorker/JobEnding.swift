import ApiumCore
import DynamicJSON
import Logging

/// Carries out what follows a job, and the joins of the chords that it completes.
///
/// On one server everything that others can see goes out in one completion; only chords are opened and errbacks called before,
/// which a second run repeats. A chord whose last part this was stays this delivery's to join until its body is sent: the
/// completion that sends it closes the chord (invariants 6 and 9).
struct JobEnding: Sendable {
    let environment: WorkerEnvironment
    let writer: CompletionWriter
    let run: JobRun
    let job: Assignment
    let effects: RunEffects
    /// Gives the job's slot back; called once.
    let release: @Sendable () -> Void
    /// What was said of an end that was too long: this one ends the delivery in few bytes in its place.
    var refusal: (any Error)?

    private var tag: DeliveryTag { job.delivery.tag }

    /// Ends the delivery.
    func end(_ verdict: Verdict) async {
        guard needsTime(verdict) else { return await end(planner(at: nil).aftermath(of: verdict)) }
        await endAtServerTime { $0.aftermath(of: verdict) }
    }

    /// Ends a delivery that tells the errbacks of a job which was lost.
    func tell(of lost: LostJob) async {
        guard job.embed.namesTimes else { return await end(planner(at: nil).lost(lost)) }
        await endAtServerTime { $0.lost(lost) }
    }

    private func endAtServerTime(_ aftermath: @escaping @Sendable (AftermathPlanner) -> Aftermath) async {
        // A task of its own, here as below: the job's may be cancelled, by its soft limit for one, and what follows must not end with it.
        await Task {
            let now = await insisting("the broker's time could not be read") { try await environment.broker.serverTime() }
            guard let now else { return release() }
            await end(aftermath(planner(at: now)))
        }.value
    }

    private func end(_ aftermath: Aftermath) async {
        guard !aftermath.isPlain || !environment.configuration.resultsTravelWithCompletion else {
            writer.add(completion(aftermath)) { error in Task { await endShort(error) } }
            return release()
        }
        await Task { await carryOut(aftermath) }.value
    }

    /// Takes up joins that another worker had begun; the job has run.
    func resume(_ claims: [ChordClaim]) async {
        release()
        await Task {
            var held: [ChordClaim] = []
            for claim in claims {
                let isHeld = await insisting("a chord's claim could not be taken up") { try await environment.results.resume(claim) }
                guard let isHeld else { return }
                if isHeld { held.append(claim) }
            }
            await join(held)
        }.value
    }

    /// Joins these chords, and ends the delivery.
    private func join(_ claims: [ChordClaim]) async {
        var aftermath = Aftermath()
        var ended: [(claim: ChordClaim, isSent: Bool)] = []
        for claim in claims {
            guard let joined = await joined(claim) else { return }
            aftermath.add(joined.aftermath)
            ended.append((claim, joined.isSent))
        }
        await finish(ended, aftermath)
    }

    // MARK: What is too long

    /// Ends a delivery whose end is longer than the broker takes: the job has failed, so that nobody waits for it in vain.
    private func endShort(_ error: any Error) async { await short(error)?.end(.failure(Self.tooLong(error))) }

    /// The ending that takes this one's place, unless this one has taken the place of another.
    private func short(_ error: any Error) -> JobEnding? {
        guard refusal == nil else { return nil }
        return JobEnding(environment: environment, writer: writer, run: run, job: job, effects: effects, release: {}, refusal: error)
    }

    /// Celery's error for a result that its backend does not take.
    private static func tooLong(_ error: any Error) -> JobFailure {
        JobFailure(type: "BackendStoreError", arguments: [.string("\(error)")], module: "celery.exceptions")
    }

    private func carryOut(_ aftermath: Aftermath) async {
        await callErrbacks(of: aftermath)
        release()
        guard await open(aftermath.plan.chords) else { return }
        if environment.configuration.resultsTravelWithCompletion {
            do { await join(try await writer.write(completion(aftermath))) } catch { await endShort(error) }
        } else {
            await endApart(aftermath)
        }
    }

    private func completion(_ aftermath: Aftermath) -> Completion {
        var completion = Completion(
            tag, aftermath.disposition, results: documents(of: aftermath), parts: aftermath.parts, followUps: aftermath.plan.messages,
            endedRun: endedRun(aftermath.disposition))
        completion.holds = job.holds
        completion.keepsMessage = keepsMessage(aftermath.disposition)
        return completion
    }

    /// Where the end was too long the documents go without what extends them: a job's arguments may be as long as its result.
    private func documents(of aftermath: Aftermath) -> [ResultDocument] {
        guard refusal != nil else { return aftermath.results }
        return aftermath.results.map { document in
            var document = document
            document.extra = [:]
            return document
        }
    }

    /// Whether the message is set aside as it was claimed.
    private func keepsMessage(_ disposition: Completion.Disposition) -> Bool {
        if case .shelve(_, let record) = disposition { record.payload == job.delivery.payload } else { false }
    }

    /// The run of a schedule entry that ends with the job; one that is tried again has not ended.
    private func endedRun(_ disposition: Completion.Disposition) -> EntryRun? {
        switch disposition {
        case .done, .shelve: job.message.entryRun
        case .schedule, .requeue: nil
        }
    }

    // MARK: Joining

    /// Joins chords one after another, for as long as the answers name any.
    private func join(_ outcome: CompletionOutcome?) async {
        var outcome = outcome
        while case .joining(let claims)? = outcome, let claim = claims.first {
            guard let joined = await joined(claim) else { return }
            await callErrbacks(of: joined.aftermath)
            guard await open(joined.aftermath.plan.chords) else { return }
            outcome = await write([(claim, joined.isSent)], joined.aftermath)
        }
    }

    private func finish(_ ended: [(claim: ChordClaim, isSent: Bool)], _ aftermath: Aftermath) async {
        await callErrbacks(of: aftermath)
        guard await open(aftermath.plan.chords) else { return }
        if environment.configuration.resultsTravelWithCompletion {
            await join(await write(ended, aftermath))
        } else {
            await endApart(aftermath, ended)
        }
    }

    /// The call that ends joins: chords whose bodies were sent are closed, the others given up.
    private func write(_ ended: [(claim: ChordClaim, isSent: Bool)], _ aftermath: Aftermath) async -> CompletionOutcome? {
        var completion = completion(aftermath)
        completion.closes = ended.filter(\.isSent).map(\.claim)
        completion.abandons = ended.filter { !$0.isSent }.map(\.claim)
        do {
            return try await writer.write(completion)
        } catch {
            await short(error)?.join(ended.map(\.claim))
            return nil
        }
    }

    /// What follows from a complete chord, and whether its body is sent; `nil` when the delivery was lost meanwhile.
    private func joined(_ claim: ChordClaim) async -> (aftermath: Aftermath, isSent: Bool)? {
        guard let body = ChordBodies(group: job.message.headers.group, embed: job.embed)[claim.group] else {
            environment.logger.error("a complete chord has no body in the message of its last part", metadata: ["job": "\(job.message.id)"])
            return (Aftermath(), false)
        }
        guard let header = await header(of: claim.group) else { return nil }
        if let refusal, case .values = header {
            let error = ChordHeader.error("Callback error: \(Self.tooLong(refusal).pythonText)")
            return (planner(at: nil).bodyFailed(body, error, cause: nil), false)
        }
        guard body.json.namesTimes else { return planner(at: nil).joined(body, with: header) }
        let now = await insisting("the broker's time could not be read") { try await environment.broker.serverTime() }
        guard let now else { return nil }
        return planner(at: now).joined(body, with: header)
    }

    /// What a header came to. One of which something cannot be read has failed, as with Celery: it will never be read.
    private func header(of group: String) async -> ChordHeader? {
        let content = await insisting("the parts of a chord could not be read") {
            try await unless([.badResult, .refusedContent]) { try await environment.results.content(of: group) }
        }
        switch content {
        case nil: return nil
        case .failure(let error)?: return ChordHeader(unreadable: error)
        case .success(let content)?:
            guard let tuple = content.savedGroup.flatMap({ ResultTuple(json: $0) }) else { return ChordHeader(parts: content.parts) }
            return await header(tuple)
        }
    }

    /// A header that holds groups, of its members' own results; what is not there yet is waited for up to the join timeout.
    private func header(_ tuple: ResultTuple) async -> ChordHeader {
        let ids = tuple.leaves
        let deadline = ContinuousClock.now + environment.configuration.joinTimeout
        var found: [String: ResultDocument] = [:]
        while true {
            let missing = ids.filter { found[$0] == nil }
            let answer = await insisting("the results of a chord's parts could not be read") {
                try await unless([.badResult, .refusedContent]) { try await environment.results.documents(for: missing) }
            }
            if case .failure(let error)? = answer { return ChordHeader(unreadable: error) }
            for (id, document) in zip(missing, (try? answer?.get()) ?? []) where document?.state.isReady == true { found[id] = document }
            if found.count == Set(ids).count || ContinuousClock.now >= deadline || run.isAbandoned { return ChordHeader(tuple: tuple, documents: found) }
            try? await Task.sleep(for: .milliseconds(20))
        }
    }

    // MARK: A result backend of its own

    /// Results and parts first, then the end of the delivery with all that is sent, then the end of the chords: a crash in between
    /// repeats the job, the stored SUCCESS is not overwritten, and its part, brought again with the same token, claims again.
    private func endApart(_ aftermath: Aftermath, _ resumed: [(claim: ChordClaim, isSent: Bool)] = []) async {
        var all = aftermath
        var ended = resumed
        guard var claims = await bring(aftermath) else { return }
        while let claim = claims.popLast() {
            guard let joined = await joined(claim) else { return }
            await callErrbacks(of: joined.aftermath)
            guard await open(joined.aftermath.plan.chords), let more = await bring(joined.aftermath) else { return }
            claims += more
            ended.append((claim, joined.isSent))
            all.add(joined.aftermath)
        }
        var completion = Completion(tag, all.disposition, followUps: all.plan.messages, endedRun: endedRun(all.disposition))
        completion.holds = job.holds
        completion.keepsMessage = keepsMessage(all.disposition)
        let outcome: CompletionOutcome?
        do {
            outcome = try await writer.write(completion)
        } catch {
            if resumed.isEmpty { await endShort(error) } else { await short(error)?.join(resumed.map(\.claim)) }
            return
        }
        guard outcome == .done || outcome == .alreadyDone else { return }
        for (claim, isSent) in ended {
            _ = await insisting("a chord could not be closed") {
                if isSent { _ = try await environment.results.close(claim) } else { try await environment.results.abandon(claim.group) }
            }
        }
    }

    private func bring(_ aftermath: Aftermath) async -> [ChordClaim]? {
        let claims = await insisting("results could not be stored") {
            try await unless([.tooLong]) {
                for document in documents(of: aftermath) { try await environment.results.store(document) }
                let parts = aftermath.parts.map { part in
                    var part = part
                    part.token = "apium:\(part.id)"
                    return part
                }
                return try await environment.results.bring(parts)
            }
        }
        if case .failure(let error)? = claims { await endShort(error) }
        return try? claims?.get()
    }

    // MARK: Steps

    /// - Parameter time: the broker's, where it counts for what follows.
    private func planner(at time: Timestamp?) -> AftermathPlanner {
        let now = environment.now()
        return AftermathPlanner(
            job: job, dispatcher: environment.dispatcher(at: time ?? now), registry: environment.registry, children: effects.children, now: now)
    }

    /// Whether the broker's time counts for what follows: only then it is asked for.
    private func needsTime(_ verdict: Verdict) -> Bool {
        switch verdict {
        case .retry(let again): again.options.expires != nil
        case .success, .failure, .quarantined, .succeededBefore: job.embed.namesTimes
        default: false
        }
    }

    private func open(_ chords: [ChordSetup]) async -> Bool {
        guard !chords.isEmpty else { return true }
        return await insisting("chords could not be opened") { try await environment.results.open(chords) } != nil
    }

    /// Calls errbacks; whoever is told by one finds the failure stored, as with Celery.
    private func callErrbacks(of aftermath: Aftermath) async {
        for fault in aftermath.faults { environment.logger.error("\(fault)", metadata: ["job": "\(job.message.id)"]) }
        guard !aftermath.errbacks.isEmpty else { return }
        _ = await insisting("a failure could not be stored") {
            for document in aftermath.results { try await environment.results.store(document) }
        }
        for errback in aftermath.errbacks {
            guard case .inline(_, let call)? = environment.registry[errback.signature.task]?.errback else { continue }
            do {
                try await call(errback.call)
            } catch {
                environment.logger.error("an errback failed", metadata: ["errback": "\(errback.signature.task)", "error": "\(error)"])
            }
        }
    }

    /// What comes of it, or one of these errors, which would come again if it were tried again.
    private func unless<Value>(_ codes: Set<ApiumError.Code>, _ body: () async throws -> Value) async throws -> Result<Value, ApiumError> {
        do {
            return .success(try await body())
        } catch let error as ApiumError where codes.contains(error.code) {
            return .failure(error)
        }
    }

    /// Tries until it works; `nil` when the delivery is no longer ours, or what is asked is refused again and again.
    private func insisting<Value>(_ fault: Logger.Message, _ body: () async throws -> Value) async -> Value? {
        var delay = Duration.milliseconds(100)
        var refusals = 0
        while true {
            do {
                return try await body()
            } catch is CancellationError where Task.isCancelled {
                // A cancelled task cannot wait either: it would try without a pause and never get through.
                return nil
            } catch {
                if let error = error as? ApiumError, error.code != .unavailable, error.code != .timedOut { refusals += 1 }
                let isLost = run.isAbandoned || refusals >= 5
                environment.logger.error(fault, metadata: ["job": "\(job.message.id)", "error": "\(error)", "retries": "\(!isLost)"])
                if isLost { return nil }
                try? await Task.sleep(for: delay)
                delay = min(delay * 2, .seconds(1))
            }
        }
    }
}
