import Logging
import Synchronization

/// What can run a statement: a client, a session or a transaction.
public protocol PostgresQuerying: Sendable {
    /// Runs one statement and returns its rows.
    ///
    /// - Throws: `PostgresError`, or `CancellationError` when the task was cancelled meanwhile.
    @discardableResult
    func query(_ query: PostgresQuery) async throws -> PostgresRows
}

/// A pool of connections to one Postgres database.
///
/// Single statements share a few connections by pipelining; each is its own transaction. Transactions and sessions borrow a
/// connection each. All connections live on one thread of the client's own, so nothing here blocks the cooperative pool.
/// It connects in the background: queries wait up to the acquire timeout for it, and a broken connection is replaced.
///
///     let client = try PostgresClient(configuration: .init("postgres://app@localhost/shop"), logger: logger)
///     let rows = try await client.query("select name from products where id = \(id)")
///     let name = try rows.first?["name", as: String.self]
///     await client.shutdown()
///
/// Not for servers behind a pooler that changes the server's connection between statements.
public final class PostgresClient: PostgresQuerying {
    let configuration: PostgresClientConfiguration
    let door: Door
    private let logger: Logger
    private let lastID = Atomic<UInt64>(0)

    /// Starts the client's thread, which begins to connect.
    ///
    /// - Throws: `PostgresError` with code `configuration` for a setting out of its range or when the system gives no thread.
    public init(configuration: PostgresClientConfiguration, logger: Logger) throws {
        try configuration.validate()
        self.configuration = configuration
        self.logger = logger
        let door = try Door(maximumOutstanding: configuration.maximumWaiting)
        self.door = door
        let isStarted = NamedThread.start("postgres") {
            do {
                try PoolLoop(configuration: configuration, door: door, logger: logger).run()
            } catch {
                logger.error("the Postgres client cannot start", metadata: ["error": "\(error)"])
                PoolLoop.refuseAll(door)
            }
        }
        guard isStarted else { throw PostgresError(.configuration, "the system gave no thread for the Postgres client") }
    }

    deinit { door.leave(.stop) }

    /// Lets statements and transactions under way finish, within the grace of the configuration, and closes all connections.
    /// New work is refused with code `closed`. May be called twice.
    public func shutdown() async {
        await withCheckedContinuation { continuation in
            if !door.leave(.shutdown(continuation)) { continuation.resume() }
        }
    }

    /// Runs one statement on a shared connection, in a transaction of its own.
    ///
    /// When the task is cancelled the call ends at once; a statement that was sent already may still take effect.
    ///
    /// - Throws: `PostgresError`, or `CancellationError`.
    @discardableResult
    public func query(_ query: PostgresQuery) async throws -> PostgresRows { try await run(query, lease: nil) }

    func nextID() -> UInt64 { lastID.wrappingAdd(1, ordering: .relaxed).newValue }

    func run(_ query: PostgresQuery, lease: UInt64?, isCancellable: Bool = true) async throws -> PostgresRows {
        if let failure = query.parameters.failure { throw failure }
        guard query.parameters.offsets.count <= 65_535 else {
            throw PostgresError(.invalidValue, "a statement can have 65535 parameters, not \(query.parameters.offsets.count)")
        }
        return try await StatementSpan.around(query) {
            try await run(.statement(text: query.text, query.parameters, isCacheable: query.isCacheable), lease: lease, isCancellable: isCancellable)
        }
    }

    func run(_ kind: Operation.Kind, lease: UInt64?, isCancellable: Bool) async throws -> PostgresRows {
        switch kind {
        case .statement(let text, _, _), .script(let text):
            if text.utf8.contains(0) { throw PostgresError(.invalidValue, "the statement contains a NUL character") }
        }
        if isCancellable { try Task.checkCancellation() }
        try door.enter(isLeased: lease != nil)
        defer { door.exit() }
        let id = nextID()
        let deadline = monotonicNanoseconds() + configuration.acquireTimeout.nanoseconds
        return try await withCancellation(of: isCancellable ? id : nil) { continuation in
            .run(Operation(id: id, kind: kind, lease: lease, deadline: deadline, continuation: continuation))
        }
    }

    /// Waits for a connection of one's own and returns its lease.
    func acquire() async throws -> UInt64 {
        try Task.checkCancellation()
        try door.enter(isLeased: false)
        defer { door.exit() }
        let id = nextID()
        let deadline = monotonicNanoseconds() + configuration.acquireTimeout.nanoseconds
        try await withCancellation(of: id) { continuation in
            .acquire(LeaseRequest(id: id, deadline: deadline, continuation: continuation))
        }
        return id
    }

    /// Leaves a command and waits for its answer; a cancelled task sends a cancel command after it.
    private func withCancellation<Value: Sendable>(
        of id: UInt64?, _ command: (CheckedContinuation<Value, any Error>) -> Command
    ) async throws -> Value {
        try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                guard door.leave(command(continuation)) else { return continuation.resume(throwing: PostgresError.shutDown) }
                // The handler may have run before the command was left; the pool ignores a cancel it cannot match.
                if let id, Task.isCancelled { door.leave(.cancel(id)) }
            }
        } onCancel: {
            if let id { door.leave(.cancel(id)) }
        }
    }
}

extension PoolLoop {
    /// Answers everybody when the pool could not even be made.
    static func refuseAll(_ door: Door) {
        for command in door.stop() {
            switch command {
            case .run(let operation): operation.continuation?.resume(throwing: PostgresError.shutDown)
            case .acquire(let request): request.continuation.resume(throwing: PostgresError.shutDown)
            case .subscribe(let subscription): subscription.continuation.finish()
            case .shutdown(let continuation): continuation.resume()
            case .dialled(_, let handle): handle.close(cancelling: false)
            case .cancel, .release, .unsubscribe, .stop: break
            }
        }
    }
}
