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
        case arrived(batch: Int, payload: [UInt8])
        /// Its reply was cut: the batch may hold a message, or get one until the connection is gone on the server's side too.
        case failed(batch: Int, any Error)
    }

    let list: String
    /// How much longer than the server waits we wait for its answer: then the connection counts as dead, and what the read may have moved
    /// is looked for over a new one.
    static let patience = Duration.seconds(2)

    private struct State {
        var outcome = Outcome.idle
        var connection: RedisConnection?
        var done: EventLoopFuture<Void>?
    }
    private let state = Mutex(State())

    init(list: String) { self.list = list }

    /// The connection, if it is usable.
    var connection: RedisConnection? {
        state.withLock { $0.connection?.closeReason == nil ? $0.connection : nil }
    }

    /// Whether a read is under way.
    var isWaiting: Bool { if case .waiting = state.withLock({ $0.outcome }) { true } else { false } }

    /// Whether a read may begin: none is under way, and what became of the last one was taken. An outcome that nobody took names a batch
    /// that may hold a message; a read that began over it would forget that message until the session ends.
    var isIdle: Bool { if case .idle = state.withLock({ $0.outcome }) { true } else { false } }

    /// Begins a read into `batch`, which must be empty and registered. The waiter must be idle; only the claiming task starts reads, and
    /// callbacks never make a waiter idle or take it out of that state.
    func start(
        _ batch: Int, into destination: String, on connection: RedisConnection, timeout: Duration, whenOver: @escaping @Sendable (_ answered: Bool) -> Void
    ) {
        state.withLock { state in
            state.connection = connection
            state.outcome = .waiting
        }
        let command = RedisCommand("BLMOVE", list, destination, "RIGHT", "RIGHT", timeout.inSeconds)
        let reading = connection.submit([command], timeout: timeout + Self.patience).map { replies -> Outcome in
            switch replies[0] {
            case .bulk(let payload): .arrived(batch: batch, payload: payload)
            case .error(let error): error.code == "UNBLOCKED" ? .nothing(batch: batch) : .failed(batch: batch, error)
            default: .nothing(batch: batch)
            }
        }
        let done = reading.flatMapErrorThrowing { .failed(batch: batch, $0) }.map { outcome in
            self.state.withLock { $0.outcome = outcome }
            if case .failed = outcome { whenOver(false) } else { whenOver(true) }
        }
        state.withLock { $0.done = done }
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
