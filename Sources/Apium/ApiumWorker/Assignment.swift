import ApiumCore
import DynamicJSON

/// A claimed message that was decoded, and what the verdict needs to know of its worker.
final class Assignment: Sendable {
    let delivery: Delivery
    let message: Message
    let options: JobOptions
    let worker: String
    let resultExtended: Bool
    /// What the job was called with and what follows it; `nil` while the body is not decoded.
    let arguments: TaskArguments?
    /// The names of the job's parameters, for retries with other arguments.
    let parameters: [String]

    init(
        delivery: Delivery, message: Message, options: JobOptions, worker: String, resultExtended: Bool, arguments: TaskArguments? = nil,
        parameters: [String] = []
    ) {
        self.delivery = delivery
        self.message = message
        self.options = options
        self.worker = worker
        self.resultExtended = resultExtended
        self.arguments = arguments
        self.parameters = parameters
    }

    /// The header counts before the job's own setting.
    var ignoresResult: Bool { message.headers.ignoreResult ?? options.ignoreResult }
    /// Whether failures are stored.
    var storesFailures: Bool { !ignoresResult || options.storeErrorsEvenIfIgnored }
    /// The root of the workflow.
    var rootID: String { message.headers.rootID ?? message.id }
    /// The job as the sender of others.
    var sender: Dispatcher.Sender { Dispatcher.Sender(id: message.id, rootID: rootID) }
    /// What follows the job.
    var embed: TaskArguments.Embed { arguments?.embed ?? TaskArguments.Embed() }

    /// What its end gives back.
    var holds: CompletionHolds { CompletionHolds(givesBack: delivery.isAdmitted, lock: message.uniqueLock.map { ($0, message.id) }) }

    /// The message as it is sent again: `retries` and `eta` are the caller's to set.
    func message(changing change: (inout Message) -> Void) -> Message {
        var copy = message
        copy.properties.deliveryTag = nil
        copy.timesPassedOn = 0
        copy.rateTurn = nil
        change(&copy)
        return copy
    }

    /// A result document of this job, with what Celery adds for `result_extended` (celery-wire 6.3).
    func document(_ state: JobState, _ result: JSONValue, traceback: String? = nil, children: [ResultTuple] = [], now: Timestamp) -> ResultDocument {
        var extra: [String: JSONValue] = [:]
        if resultExtended {
            // Stamps stand at the top level, and Celery's own fields are not theirs to take.
            let names = message.headers.stampedHeaders ?? []
            if let stamps = message.headers.stamps, !stamps.isEmpty {
                extra = stamps.filter { names.contains($0.key) }
                extra["stamped_headers"] = .array(names.map { .string($0) })
            }
            extra["name"] = .string(message.task)
            extra["args"] = .array(arguments?.args ?? [])
            extra["kwargs"] = .object(arguments?.kwargs ?? [:])
            extra["worker"] = .string(worker)
            extra["retries"] = .int(Int64(message.headers.retries))
            extra["queue"] = .string(delivery.queue)
        }
        return ResultDocument(
            id: message.id, state: state, result: result, traceback: traceback, dateDone: state.isReady ? now : nil, children: children.map(\.json),
            groupID: message.headers.group, parentID: message.headers.parentID, extra: extra)
    }

    /// The document of a job whose name nobody knows: with `result_extended` its fields are there and empty.
    func unknownDocument(_ failure: JobFailure, now: Timestamp) -> ResultDocument {
        var document = ResultDocument(id: message.id, state: .failure, result: failure.value, dateDone: now, children: [])
        if resultExtended { for name in ["name", "args", "kwargs", "worker", "retries", "queue"] { document.extra[name] = .null } }
        return document
    }

    /// The record of this job for one of the broker's shelves.
    func record(reason: String, now: Timestamp) -> ShelvedRecord {
        ShelvedRecord(
            id: message.id, task: message.task, queue: delivery.queue, reason: reason, at: now, attempts: message.headers.retries + 1, payload: delivery.payload
        )
    }
}
