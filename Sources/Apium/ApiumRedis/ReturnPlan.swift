import ApiumCore
import DynamicJSON

/// What becomes of the messages of a batch whose worker gives them back or was lost: the arguments of return.lua, as a value.
struct ReturnPlan {
    /// Why a batch is returned.
    enum Cause: Sendable, Equatable {
        /// Nobody was given these messages: they go back as they are.
        case unclaimed
        /// The session closes in order: marked as redelivered.
        case closing
        /// The worker was lost: marked as redelivered, and counted as a crash.
        case crash
    }

    private(set) var operations: [[UInt8]] = []
    private(set) var tally = BatchReturner.Tally()
    /// Jobs that end as lost where another server keeps the results; `operations` says nothing of their results.
    private(set) var losses: [Loss] = []
    private let list: String
    private let cause: Cause
    private let broker: RedisBroker

    /// A job that ended with its worker.
    struct Loss {
        var told: JobLoss
        var message: Message
    }

    /// The header in which the crashes of a job's workers are counted.
    static let crashHeader = "apium_crashes"

    /// - Parameters:
    ///   - marks: A byte per message: `d` is done and dropped, `j` has ended but for its joins, `a` was acknowledged early, anything
    ///     else runs.
    ///   - joins: The joins of those that are marked `j`, by their place.
    init(payloads: [[UInt8]], marks: [UInt8], joins: [Int: [ChordClaim]] = [:], list: String, cause: Cause, broker: RedisBroker) {
        self.list = list
        self.cause = cause
        self.broker = broker
        // Newest first: each push goes before the one before it, so the oldest ends up in front.
        for index in payloads.indices.reversed() {
            switch index < marks.count ? marks[index] : 0 {
            case UInt8(ascii: "d"): break
            case UInt8(ascii: "j"): resume(joins[index] ?? [], payloads[index])
            case UInt8(ascii: "a"): bury(payloads[index])
            default: giveBack(payloads[index])
            }
        }
    }

    /// The job has ended and took nobody down: only its joins are left to do. Whoever claims the message does them.
    private mutating func resume(_ joins: [ChordClaim], _ payload: [UInt8]) {
        guard let message = try? Message(decoding: payload) else { return push(payload) }
        for claim in joins { operate("release", broker.options.results.keys.group(claim.group), last: Array(claim.token.utf8)) }
        push(Self.joiningMessage(message, joins))
    }

    /// The message that has joins done, without its job being run.
    private static func joiningMessage(_ message: Message, _ joins: [ChordClaim]) -> [UInt8] {
        var message = message
        message.properties.redelivered = true
        message.joining = joins
        return message.encoded()
    }

    /// Adds the message for joins that a lost job's part has claimed.
    mutating func push(_ joins: [ChordClaim], of loss: Loss) {
        if !joins.isEmpty { push(Self.joiningMessage(loss.message, joins)) }
    }

    private mutating func giveBack(_ payload: [UInt8]) {
        guard cause != .unclaimed else { return push(payload) }
        var message: Message
        do {
            message = try Message(decoding: payload)
        } catch let error as ApiumError where error.code == .malformedMessage && cause == .crash {
            return park(payload, error)
        } catch {
            return push(payload)
        }
        message.properties.redelivered = true
        guard cause == .crash else { return push(message.encoded()) }
        // A sender may have put any number there.
        let crashes = min(max(message.headers.custom[Self.crashHeader]?.intValue ?? 0, 0), 1_000_000) + 1
        message.headers.custom[Self.crashHeader] = .int(crashes)
        guard crashes >= Int64(broker.options.crashLimit) else { return push(message.encoded()) }
        tally.quarantined += 1
        let reason = "took its worker down \(crashes) times"
        shelve(message, in: .quarantine, reason: reason, attempts: Int(crashes), payload: message.encoded())
        fail(message, reason)
    }

    /// What cannot be read can hold no count of crashes. It is set aside as whoever claims it would do, before it takes down one worker after another.
    private mutating func park(_ payload: [UInt8], _ error: ApiumError) {
        tally.quarantined += 1
        let reason = "its worker was lost, and it cannot be read: \(error)"
        let head = Message(headOf: payload)
        let record = ShelvedRecord(
            id: head?.id ?? "undecodable-\(JobID.make())", task: head?.task, queue: broker.keys.queue(ofReady: list), reason: reason, at: .now(),
            attempts: 0, payload: payload)
        operate("shelf", broker.keys.shelf(.parked), record.id, last: record.encoded)
        if let head { fail(head, reason) }
    }

    private mutating func push(_ payload: [UInt8]) {
        tally.returned += 1
        operate("push", list, last: payload)
    }

    private mutating func operate(_ texts: String..., last: [UInt8]) {
        operations += texts.map { Array($0.utf8) } + [last]
    }

    /// Celery's early acknowledgement: the job must not run again, so it ends as lost.
    private mutating func bury(_ payload: [UInt8]) {
        guard let message = try? Message(decoding: payload) else { return push(payload) }
        tally.dead += 1
        let reason = "Worker exited prematurely: it had acknowledged the job and did not end it"
        shelve(message, in: .dead, reason: reason, attempts: message.headers.retries + 1, payload: payload)
        fail(message, reason)
    }

    /// The job ends as `WorkerLostError`, and so does what depends on it. Its errbacks get a message of their own, and so does each
    /// join that is completed by it.
    private mutating func fail(_ message: Message, _ reason: String) {
        if let lock = message.uniqueLock, lock.isTakenAtEnqueue { operate("free", broker.keys.unique(lock.key), last: Array(message.id.utf8)) }
        let told = message.loss(reason, at: .now(), accepting: broker.options.taskContent)
        if let errbacks = told.errbacks { operate("push", list, last: errbacks.encoded()) }
        guard broker.otherResults == nil else { return losses.append(Loss(told: told, message: message)) }
        let options = broker.options.results
        for document in told.results {
            operate("store", options.keys.task(document.id), String(options.seconds(of: .failure)), last: options.bytes(of: document))
        }
        for part in told.parts {
            operations += ["part", options.keys.group(part.group), part.id, part.score, part.token].map { Array($0.utf8) }
            operations += [part.encoded, Array(list.utf8), Self.joiningMessage(message, [ChordClaim(group: part.group, token: part.token)])]
        }
    }

    private mutating func shelve(_ message: Message, in shelf: Shelf, reason: String, attempts: Int, payload: [UInt8]) {
        let record = ShelvedRecord(
            id: message.id, task: message.task, queue: broker.keys.queue(ofReady: list), reason: reason, at: .now(),
            attempts: attempts, payload: payload)
        operate("shelf", broker.keys.shelf(shelf), message.id, last: record.encoded)
    }
}
