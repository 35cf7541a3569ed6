import NIOCore
import RedisClient
import Synchronization

/// Waits on one ready list with a blocked read that moves a message into a batch or moves nothing (invariant 1), on a connection of
/// its own.
final class KeyWaiter: Sendable {
    /// What became of a read.
    enum Outcome: Sendable {
        /// None is under way.
        case idle
        /// It still waits.
        case waiting
        /// It ended with nothing: the batch is empty.
        case nothing(batch: Int)
        /// It moved a message to the first place of the batch.
        case arrived(batch: Int, payload: [UInt8], opening: Opening?)
        /// Its reply was cut: the batch may hold a message, or get one until the connection is gone on the server's side too.
        case failed(batch: Int, any Error)
    }

    /// What goes with a read in one write, so that what it brings can be given out without another round trip: before it the batch is
    /// registered, behind it the batch is opened, as in a claim (see `ClaimLoop.moveCommands`). The server runs what stands behind a
    /// blocked read when the read is over.
    struct Steps: Sendable {
        let register: RedisCommand
        let open: RedisCommand
    }

    /// What the steps behind a read answered.
    struct Opening: Sendable {
        /// The answer of the step that opens.
        let answer: RESPValue
        /// How many messages the list held still.
        let left: Int
    }

    let list: String
    /// How much longer than the server waits we wait for its answer: then the connection counts as dead, and what the read may have moved
    /// is looked for over a new one.
    static let patience = Duration.seconds(2)

    private struct State {
        var outcome = Outcome.idle
        var connection: RedisConnection?
        /// Of the present read, or the last one.
        var batch = 0
        var destination = ""
        var done: EventLoopFuture<Void>?
    }
    private let state = Mutex(State())

    init(list: String) { self.list = list }

    /// The connection, if it is usable.
    var connection: RedisConnection? {
        state.withLock { $0.connection?.closeReason == nil ? $0.connection : nil }
    }

    /// Gives an idle waiter the connection of its next read.
    func adopt(_ connection: RedisConnection) { state.withLock { $0.connection = connection } }

    /// Whether a read is under way.
    var isWaiting: Bool { if case .waiting = state.withLock({ $0.outcome }) { true } else { false } }

    /// The batch of the read under way, and the keys of its list and of that batch: both are empty while it waits.
    var reading: (batch: Int, keys: [String])? {
        state.withLock { state in
            if case .waiting = state.outcome { (state.batch, [list, state.destination]) } else { nil }
        }
    }

    /// Whether a read may begin: none is under way, and what became of the last one was taken. An outcome that nobody took names a batch
    /// that may hold a message; a read that began over it would forget that message until the session ends.
    var isIdle: Bool { if case .idle = state.withLock({ $0.outcome }) { true } else { false } }

    /// Begins a read into `batch`, which must be empty and registered. The waiter must be idle; only the claiming task starts reads, and
    /// callbacks never make a waiter idle or take it out of that state.
    func start(
        _ batch: Int, into destination: String, with steps: Steps?, on connection: RedisConnection, timeout: Duration,
        whenOver: @escaping @Sendable (_ answered: Bool) -> Void
    ) {
        state.withLock { state in
            state.connection = connection
            state.outcome = .waiting
            state.batch = batch
            state.destination = destination
        }
        let command = RedisCommand("BLMOVE", list, destination, "RIGHT", "RIGHT", timeout.inSeconds)
        let commands = steps.map { [$0.register, command, RedisCommand("LLEN", list), $0.open] } ?? [command]
        let reading = connection.submit(commands, timeout: timeout + Self.patience).map { Self.outcome(batch, $0) }
        let done = reading.flatMapErrorThrowing { .failed(batch: batch, $0) }.map { outcome in
            self.state.withLock { $0.outcome = outcome }
            if case .failed = outcome { whenOver(false) } else { whenOver(true) }
        }
        state.withLock { $0.done = done }
    }

    /// Reads the answers: of the read alone, or of the read among its steps.
    private static func outcome(_ batch: Int, _ replies: [RESPValue]) -> Outcome {
        let place = replies.count == 1 ? 0 : 1
        // A step that was refused leaves a batch in doubt, whatever the read brought.
        for (index, reply) in replies.enumerated() {
            if let error = reply.error, index != place || error.code != "UNBLOCKED" { return .failed(batch: batch, error) }
        }
        guard case .bulk(let payload) = replies[place] else { return .nothing(batch: batch) }
        let opening = place == 0 ? nil : Opening(answer: replies[3], left: replies[2].int ?? 0)
        return .arrived(batch: batch, payload: payload, opening: opening)
    }

    /// Takes what became of the read; afterwards the waiter is idle, unless it still waits.
    func take() -> Outcome {
        state.withLock { state in
            if case .waiting = state.outcome { return .waiting }
            defer { state.outcome = .idle }
            return state.outcome
        }
    }

    /// Completes when the present read is over.
    var done: EventLoopFuture<Void>? { state.withLock { $0.done } }

    /// Takes the connection away, for it is of no more use.
    func takeConnection() -> RedisConnection? { state.withLock { $0.connection.take() } }

    /// Drops the connection; a read under way fails.
    func dropConnection() { takeConnection()?.closeNow() }
}
