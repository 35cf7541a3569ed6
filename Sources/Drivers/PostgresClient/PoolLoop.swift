import CPostgres
import Logging

/// The pool: every connection, whoever waits for one, and the one thread that serves them.
///
/// Not `Sendable` on purpose: it is made inside of its thread and never leaves it. Tasks speak to it through the `Door`,
/// it answers by resuming their continuations.
final class PoolLoop {
    /// The bell's token in the poller; connections count from 1.
    static let bellToken: UInt64 = 0

    let configuration: PostgresClientConfiguration
    let door: Door
    let logger: Logger
    let poller: Poller

    var connections: [UInt64: PooledConnection] = [:]
    var lastConnection: UInt64 = 0
    /// Statements of no lease that wait for a place on a shared connection.
    var waiting = FIFO<Operation>()
    var waitingLeases = FIFO<LeaseRequest>()
    /// Lease to connection, while the connection lives.
    var leases: [UInt64: PooledConnection] = [:]
    /// Leases that were granted and not given back, whether their connection lives or not.
    var openLeases: Set<UInt64> = []
    /// Whose task still waits; a cancelled statement leaves this set at once and the queues when its turn comes.
    var pending: [UInt64: Operation] = [:]
    var pendingLeases: Set<UInt64> = []
    var subscriptions: [String: [UInt64: Subscription]] = [:]
    /// Channels whose `LISTEN` the server has confirmed on the present connection.
    var activeChannels: Set<String> = []
    var backoff: [PooledConnection.Role: Backoff] = [:]
    var lastFailure = "no attempt has ended yet"
    var shutdowns: [CheckedContinuation<Void, Never>] = []
    /// When shutdown stops being patient; nil while nobody asked for it.
    var shutdownDeadline: Int64?
    var isStopped = false
    var now = monotonicNanoseconds()

    init(configuration: PostgresClientConfiguration, door: Door, logger: Logger) throws(PostgresError) {
        self.configuration = configuration
        self.door = door
        self.logger = logger
        poller = try Poller()
        poller.watch(door.bell, token: Self.bellToken, writing: false)
    }

    /// Serves until it is stopped.
    func run() {
        while !isStopped {
            for command in door.take() { handle(command) }
            dialShared()
            dialListening()
            dispatch()
            grantLeases()
            flushAll()
            endIfDrained()
            guard !isStopped else { break }
            let ready = poller.wait(milliseconds: millisecondsToNextTimer())
            now = monotonicNanoseconds()
            for token in ready { if let connection = connections[token] { serve(connection) } }
            expire()
        }
        end()
    }

    private func handle(_ command: Command) {
        switch command {
        case .run(let operation): accept(operation)
        case .cancel(let id): cancel(id)
        case .acquire(let request):
            pendingLeases.insert(request.id)
            waitingLeases.append(request)
        case .release(let lease, let closing): release(lease, closing: closing)
        case .dialled(let id, let handle): begin(id, handle)
        case .subscribe(let subscription): subscribe(subscription)
        case .unsubscribe(let channel, let id): unsubscribe(channel, id)
        case .shutdown(let continuation):
            shutdowns.append(continuation)
            door.drain()
            shutdownDeadline = shutdownDeadline ?? now + configuration.shutdownGrace.nanoseconds
        case .stop: isStopped = true
        }
    }

    /// Ends once nothing is under way, or the grace is over.
    private func endIfDrained() {
        guard let deadline = shutdownDeadline else { return }
        if now >= deadline || (pending.isEmpty && pendingLeases.isEmpty && openLeases.isEmpty) { isStopped = true }
    }

    /// Fails what still waits, closes every connection and tells those who wait for the end.
    private func end() {
        let rest = door.stop()
        for command in rest {
            switch command {
            case .dialled(_, let handle): handle.close(cancelling: false)
            case .run(let operation): pending[operation.id] = operation
            case .acquire(let request):
                pendingLeases.insert(request.id)
                waitingLeases.append(request)
            case .subscribe(let subscription): subscription.continuation.finish()
            case .shutdown(let continuation): shutdowns.append(continuation)
            case .cancel, .release, .unsubscribe, .stop: break
            }
        }
        for operation in pending.values { operation.continuation?.resume(throwing: PostgresError.shutDown) }
        for request in waitingLeases.all where pendingLeases.contains(request.id) { request.continuation.resume(throwing: PostgresError.shutDown) }
        for listeners in subscriptions.values { for listener in listeners.values { listener.continuation.finish() } }
        for connection in connections.values { connection.handle?.close(cancelling: !connection.inFlight.isEmpty) }
        for continuation in shutdowns { continuation.resume() }
    }
}

/// Pauses between attempts to connect: none after the first failure, then doubling with jitter. What fails during a pause was begun before it, such as the
/// other connections of a server that has ended all: it counts with the failure that began the pause.
struct Backoff {
    private(set) var failures = 0
    private(set) var notBefore: Int64 = 0

    mutating func failed(now: Int64, base: Duration, maximum: Duration) {
        guard now >= notBefore else { return }
        failures += 1
        guard failures > 1 else { return }
        let pause = min(maximum.nanoseconds, base.nanoseconds << Int64(min(failures - 2, 16)))
        notBefore = now + Int64(Double(pause) * Double.random(in: 0.5...1))
    }

    mutating func succeeded() { self = Backoff() }
}
