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
    private let list: String
    private let cause: Cause
    private let broker: RedisBroker

    /// The header in which the crashes of a job's workers are counted.
    static let crashHeader = "apium_crashes"

    /// - Parameter marks: A byte per message: `d` is done and dropped, `a` was acknowledged early, anything else runs.
    init(payloads: [[UInt8]], marks: [UInt8], list: String, cause: Cause, broker: RedisBroker) {
        self.list = list
        self.cause = cause
        self.broker = broker
        // Newest first: each push goes before the one before it, so the oldest ends up in front.
        for index in payloads.indices.reversed() {
            switch index < marks.count ? marks[index] : 0 {
            case UInt8(ascii: "d"): break
            case UInt8(ascii: "a"): bury(payloads[index])
            default: giveBack(payloads[index])
            }
        }
    }

    private mutating func giveBack(_ payload: [UInt8]) {
        guard cause != .unclaimed, var message = try? Message(decoding: payload) else { return push(payload) }
        message.properties.redelivered = true
        guard cause == .crash else { return push(message.encoded()) }
        // A sender may have put any number there.
        let crashes = min(max(message.headers.custom[Self.crashHeader]?.intValue ?? 0, 0), 1_000_000) + 1
        message.headers.custom[Self.crashHeader] = .int(crashes)
        guard crashes >= Int64(broker.options.crashLimit) else { return push(message.encoded()) }
        tally.quarantined += 1
        shelve(message, in: .quarantine, reason: "took its worker down \(crashes) times", attempts: Int(crashes), payload: message.encoded())
    }

    private mutating func push(_ payload: [UInt8]) {
        tally.returned += 1
        operations += [Array("push".utf8), Array(list.utf8), payload]
    }

    /// Celery's early acknowledgement: the job must not run again, so it ends as lost.
    private mutating func bury(_ payload: [UInt8]) {
        guard let message = try? Message(decoding: payload) else { return push(payload) }
        tally.dead += 1
        let reason = "Worker exited prematurely: it had acknowledged the job and did not end it"
        shelve(message, in: .dead, reason: reason, attempts: message.headers.retries + 1, payload: payload)
        let failure = JobFailure(type: "WorkerLostError", arguments: [.string(reason)], module: "billiard.exceptions")
        let document = ResultDocument(
            id: message.id, state: .failure, result: failure.value, dateDone: .now(), groupID: message.headers.group, parentID: message.headers.parentID)
        let key = ResultKeys.key(ResultKeys.prefix(broker.options.resultKeyPrefix), message.id)
        operations += [Array("result".utf8), Array(key.utf8), Array(String(ResultKeys.seconds(broker.options.resultExpires)).utf8), document.encoded()]
    }

    private mutating func shelve(_ message: Message, in shelf: Shelf, reason: String, attempts: Int, payload: [UInt8]) {
        let record = ShelvedRecord(
            id: message.id, task: message.task, queue: broker.keys.queue(ofReady: list), reason: reason, at: .now(),
            attempts: attempts, payload: payload)
        operations += [Array("shelf".utf8), Array(broker.keys.shelf(shelf).utf8), Array(message.id.utf8), record.encoded]
    }
}
