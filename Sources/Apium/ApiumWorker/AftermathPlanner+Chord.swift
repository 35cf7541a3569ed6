import ApiumCore
import DynamicJSON

/// The end of a chord's header: its body goes out, or fails (celery-wire 7.2, 7.3).
extension AftermathPlanner {
    /// What follows from a complete header. The job that ended last is the sender of the body.
    ///
    /// - Returns: what follows, and whether the body is sent.
    func joined(_ body: Signature, with header: ChordHeader) -> (aftermath: Aftermath, isSent: Bool) {
        switch header {
        case .values(let values):
            do {
                return (Aftermath(plan: try dispatcher.plan(body: body.json, results: values, sender: job.sender)), true)
            } catch {
                return (bodyFailed(body, ChordHeader.error("Callback error: \(JobFailure(error).pythonText)"), cause: nil), false)
            }
        case .failed(let error, let cause):
            return (bodyFailed(body, error, cause: cause, tells: !header.failedThroughChord), false)
        }
    }

    /// A body that will never run: stored as failed, its errbacks are told, the steps after it fail with it, and so does the chord
    /// that it is a part of. The members of a group get the failure that caused it all.
    ///
    /// - Parameter tells: whether errbacks are told. A chord's errbacks stand on the bodies of the chords in its header, too, and those
    ///   have been told when such a body fails: each is told once.
    func bodyFailed(_ body: Signature, _ error: JobFailure, cause: JobFailure?, tells: Bool = true) -> Aftermath {
        var aftermath = Aftermath()
        var children = children
        do {
            let end = try ChordFailure(body: body.json)
            for failed in end.failed {
                let failure = failed.getsOriginal ? cause ?? error : error
                let told = tell(tells ? failed.errbacks : [], of: failed.job, body, failure)
                aftermath.add(told.aftermath)
                children += told.children
                var document = failed.job.document(.failure, failure.value, traceback: failure.traceback(of: failed.job.task), at: now)
                // Nobody knows the request of a body that never ran: the children are those of the job that told.
                (document.children, document.groupID, document.parentID) = (children.map(\.json), nil, nil)
                aftermath.results.append(document)
                aftermath.parts += failed.job.part(.failure, failure.value).map { [$0] } ?? []
            }
            let rest = end.failed.first?.getsOriginal == true ? cause ?? error : error
            aftermath.add(unreached(end.rest, rest, traceback: nil, stores: true))
        } catch {
            aftermath.faults.append("the body of a failed chord cannot be read: \(error)")
        }
        return aftermath
    }

    private func tell(_ errbacks: [JSONValue], of job: UnreachedJob, _ body: Signature, _ failure: JobFailure) -> (
        aftermath: Aftermath, children: [ResultTuple]
    ) {
        let isBody = body.options["task_id"]?.stringValue == job.id
        let request = FailedRequest(
            id: job.id, task: job.task, rootID: body.options["root_id"]?.stringValue, parentID: body.options["parent_id"]?.stringValue,
            arguments: isBody ? TaskArguments(args: body.args, kwargs: body.kwargs) : TaskArguments())
        return self.errbacks(errbacks, of: request, failure, traceback: nil)
    }
}

/// What the header of a chord came to.
enum ChordHeader: Sendable, Equatable {
    /// All parts ended well: their values, in the order and nesting of the header.
    case values([JSONValue])
    /// At least one did not: Celery's `ChordError`, and what it was caused by where that is known.
    case failed(JobFailure, cause: JobFailure?)

    /// Whether the part that failed was the body of a chord whose header had failed.
    var failedThroughChord: Bool {
        guard case .failed(let error, let cause) = self else { return false }
        return cause.map { $0.type == "ChordError" } ?? (error.arguments.first?.stringValue?.hasPrefix("Join error: ChordError(") ?? false)
    }

    /// Celery's `ChordError`.
    static func error(_ text: String) -> JobFailure { JobFailure(type: "ChordError", arguments: [.string(text)], module: "celery.exceptions") }

    /// A header of which a part, its saved group or a member's result cannot be read.
    init(unreadable error: ApiumError) { self = .failed(ChordHeader.error("Join error: \(JobFailure(error).pythonText)"), cause: nil) }

    /// A header of plain jobs: what they brought, in order.
    init(parts: [ChordContent.Part]) {
        var values: [JSONValue] = []
        for part in parts {
            if part.state == .failure || part.state == .revoked {
                let cause = JobFailure(value: part.result) ?? JobFailure(type: part.state.rawValue)
                self = .failed(ChordHeader.error("Dependency \(part.id) raised \(cause.pythonText)"), cause: cause)
                return
            }
            values.append(part.result)
        }
        self = .values(values)
    }

    /// A header that holds groups: the members' own results, in its nesting; one that is missing was not there in time.
    init(tuple: ResultTuple, documents: [String: ResultDocument]) {
        do {
            let members = try (tuple.members ?? []).map { try ChordHeader.value(of: $0, documents) }
            self = .values(members)
        } catch let failure as JobFailure {
            self = .failed(ChordHeader.error("Join error: \(failure.pythonText)"), cause: nil)
        } catch {
            self = .failed(ChordHeader.error("Join error: \(error)"), cause: nil)
        }
    }

    private static func value(of tuple: ResultTuple, _ documents: [String: ResultDocument]) throws -> JSONValue {
        if let members = tuple.members { return .array(try members.map { try value(of: $0, documents) }) }
        guard let document = documents[tuple.id], document.state.isReady else {
            throw JobFailure(type: "TimeoutError", arguments: ["The operation timed out."], module: "celery.exceptions")
        }
        guard document.state == .success else { throw JobFailure(value: document.result) ?? JobFailure(type: document.state.rawValue) }
        return document.result
    }
}

extension ResultTuple {
    /// The ids of the single tasks in it, in order.
    var leaves: [String] { members.map { $0.flatMap(\.leaves) } ?? [id] }
}
