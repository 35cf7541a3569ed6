import ApiumCore
import DynamicJSON

/// Works out what follows from how a job ended (celery-wire 9). Pure: time, ids and registry are given.
struct AftermathPlanner: Sendable {
    /// The job.
    let job: Assignment
    /// Which jobs are called in place as errbacks.
    let registry: JobRegistry
    /// What the job has sent while it ran.
    let children: [ResultTuple]
    /// When it ended.
    let now: Timestamp
    private let makeDispatcher: @Sendable () -> Dispatcher

    /// - Parameter dispatcher: is made when something follows the job.
    init(
        job: Assignment, dispatcher: @autoclosure @escaping @Sendable () -> Dispatcher, registry: JobRegistry, children: [ResultTuple] = [], now: Timestamp
    ) {
        self.job = job
        self.registry = registry
        self.children = children
        self.now = now
        makeDispatcher = dispatcher
    }

    /// Makes messages of signatures.
    var dispatcher: Dispatcher { makeDispatcher() }

    /// What follows from a verdict.
    func aftermath(of verdict: Verdict) -> Aftermath {
        switch verdict {
        case .success(let value): return success(value)
        case .succeededBefore(let value, let followed): return succeededBefore(value, followed: followed)
        case .failure(let failure): return failed(failure)
        case .lost: return again()
        case .quarantined(let failure): return quarantined(failure)
        case .retry(let again): return retry(again)
        case .snooze(let delay, let turn):
            return Aftermath(disposition: .schedule(job.message { $0.rateTurn = turn }, queue: job.delivery.queue, after: delay))
        case .notDue(let delay):
            return Aftermath(disposition: .schedule(job.message { _ in }, queue: job.delivery.queue, after: delay))
        case .passedOn(let delay):
            let turns = job.message.timesPassedOn + 1
            return Aftermath(disposition: .schedule(job.message { $0.timesPassedOn = turns }, queue: job.delivery.queue, after: delay))
        case .ignored: return Aftermath()
        case .replaced(let plan): return Aftermath(plan: plan)
        case .requeue:
            // A message that was acknowledged before the run is gone: Celery's Reject does nothing then.
            guard job.options.acksLate else { return Aftermath() }
            return Aftermath(disposition: .requeue(job.message { $0.properties.redelivered = true }, queue: job.delivery.queue))
        case .revoked(let word): return revoked(word)
        case .parked(let reason, let failure):
            let results = failure.map { [job.unknownDocument($0, now: now)] } ?? []
            return Aftermath(disposition: .shelve(.parked, job.record(reason: reason, now: now)), results: results)
        }
    }

    // MARK: Success

    /// Callbacks and the next step of the chain first, so that they are among the children of the stored result.
    private func success(_ value: JSONValue) -> Aftermath {
        var aftermath = Aftermath()
        var children = children
        do {
            for plan in try followUps(of: value) {
                aftermath.send(plan)
                children += plan.children
            }
        } catch {
            return failed(JobFailure(error))
        }
        if !job.ignoresResult { aftermath.results = [job.document(.success, value, children: children, now: now)] }
        aftermath.parts = part(.success, value)
        return aftermath
    }

    /// The stored result stays; parts are counted by id, so that one brought again does no harm.
    private func succeededBefore(_ value: JSONValue, followed: Bool) -> Aftermath {
        var aftermath = Aftermath(parts: part(.success, value))
        guard !followed else { return aftermath }
        do {
            for plan in try followUps(of: value) { aftermath.send(plan) }
        } catch {
            aftermath.faults.append("what follows the job cannot be sent: \(error)")
        }
        return aftermath
    }

    /// The callbacks, and the next step of the chain with the rest of it.
    private func followUps(of value: JSONValue) throws -> [DispatchPlan] {
        var plans: [DispatchPlan] = []
        if let callbacks = job.embed.callbacks, !callbacks.isEmpty {
            plans.append(try dispatcher.plan(callbacks: callbacks, result: value, sender: job.sender))
        }
        if let chain = job.embed.chain, !chain.isEmpty { plans.append(try dispatcher.plan(nextOf: chain, result: value, sender: job.sender)) }
        return plans
    }

    // MARK: Revoked

    /// Stored, and a part of its chord; the rest of its chain stays as it is, and nobody's errbacks are called.
    private func revoked(_ word: String) -> Aftermath {
        let failure = JobFailure(type: "TaskRevokedError", arguments: [.string(word)], module: "celery.exceptions")
        return Aftermath(results: [job.document(.revoked, failure.value, children: children, now: now)], parts: part(.revoked, failure.value))
    }

    /// The job's part in its chord, if it is in one.
    func part(_ state: JobState, _ result: JSONValue) -> [ChordPart] {
        guard let chord = job.embed.chord, !chord.isNull, let group = job.message.headers.group else { return [] }
        return [ChordPart(group: group, id: job.message.id, index: job.message.headers.groupIndex, state: state, result: result)]
    }
}
