import ApiumCore
import DynamicJSON

/// What follows from a failure: celery-wire 9.3 and 9.4.
extension AftermathPlanner {
    /// The job failed for good: stored, a part of its chord, the rest of its chain fails with it, and its errbacks are told.
    func failed(_ failure: JobFailure) -> Aftermath {
        let traceback = failure.traceback(of: job.message.task)
        var aftermath = Aftermath(disposition: job.options.keepsFailures ? .shelve(.dead, job.record(reason: failure.description, now: now)) : .done)
        if job.storesFailures {
            aftermath.results = [job.document(.failure, failure.value, traceback: traceback, children: children, now: now)]
        }
        aftermath.parts = part(.failure, failure.value)
        aftermath.add(chainFailed(job.embed.chain ?? [], failure, traceback: traceback, stores: job.storesFailures))
        let request = FailedRequest(
            id: job.message.id, task: job.message.task, rootID: job.message.headers.rootID, parentID: job.message.headers.parentID,
            arguments: job.arguments ?? TaskArguments())
        aftermath.add(errbacks(job.embed.errbacks ?? [], of: request, failure, traceback: traceback).aftermath)
        return aftermath
    }

    /// The errbacks of a job that ended with its worker: its result is stored, and this message is there to tell them.
    func lost(_ lost: LostJob) -> Aftermath {
        let request = FailedRequest(
            id: lost.id, task: lost.name, rootID: job.message.headers.rootID, parentID: lost.parentID, arguments: job.arguments ?? TaskArguments())
        return errbacks(job.embed.errbacks ?? [], of: request, lost.failure, traceback: lost.failure.traceback(of: lost.name)).aftermath
    }

    /// The job took its child process down: it runs again, with one more crash to its name.
    func again() -> Aftermath { Aftermath(disposition: .requeue(crashed, queue: job.delivery.queue)) }

    /// It did so once too often: failed, and kept where nobody runs it by mistake (invariant 4).
    func quarantined(_ failure: JobFailure) -> Aftermath {
        var aftermath = failed(failure)
        var record = job.record(reason: "took its process down \(crashed.crashes) times: \(failure)", now: now)
        record.payload = crashed.encoded()
        aftermath.disposition = .shelve(.quarantine, record)
        return aftermath
    }

    private var crashed: Message {
        job.message {
            $0.properties.redelivered = true
            $0.crashes += 1
        }
    }

    /// The pending steps of a chain fail as the step before them did, so that nobody waits for them; their own errbacks are not
    /// called. A step that is a chord fails as its body, and its header stays as it is.
    func chainFailed(_ chain: [JSONValue], _ failure: JobFailure, traceback: String?, stores: Bool) -> Aftermath {
        unreached(UnreachedJob.after(chain: chain), failure, traceback: traceback, stores: stores)
    }

    /// Jobs that will never run end with a failure, and with the parts that it is.
    func unreached(_ jobs: [UnreachedJob], _ failure: JobFailure, traceback: String?, stores: Bool) -> Aftermath {
        Aftermath(
            results: stores ? jobs.map { $0.document(.failure, failure.value, traceback: traceback, at: now) } : [],
            parts: jobs.compactMap { $0.part(.failure, failure.value) })
    }

    /// Tells errbacks: those that are called in place, and the others, sent as one group with the failed id in front of their own
    /// arguments.
    ///
    /// - Returns: what follows, and the children that this makes.
    func errbacks(_ errbacks: [JSONValue], of request: FailedRequest, _ failure: JobFailure, traceback: String?) -> (
        aftermath: Aftermath, children: [ResultTuple]
    ) {
        var aftermath = Aftermath()
        var sent: [JSONValue] = []
        for json in errbacks {
            do {
                let errback = try Signature(json: json)
                if let style = registry[errback.task]?.errback, style.isInline(errback) {
                    let call = ErrbackCall(request: request, failure: failure, traceback: traceback, args: errback.args, kwargs: errback.kwargs)
                    aftermath.errbacks.append(InlineErrback(signature: errback, call: call))
                } else {
                    sent.append(json)
                }
            } catch {
                aftermath.faults.append("an errback of \(request.id) is no signature: \(error)")
            }
        }
        guard !sent.isEmpty else { return (aftermath, []) }
        do {
            let plan = try dispatcher.plan(errbacks: sent, failed: request.id, rootID: request.rootID)
            aftermath.send(plan)
            return (aftermath, plan.children)
        } catch {
            aftermath.faults.append("the errbacks of \(request.id) cannot be sent: \(error)")
            return (aftermath, [])
        }
    }
}
