import Synchronization

/// A transaction that is open while its closure runs.
public struct PostgresTransaction: PostgresQuerying {
    let session: PostgresSession

    /// Runs one statement in the transaction.
    ///
    /// - Throws: `PostgresError`, or `CancellationError`; after either the transaction can only be rolled back.
    @discardableResult
    public func query(_ query: PostgresQuery) async throws -> PostgresRows { try await session.query(query) }

    /// Runs a text of several statements without parameters, such as a migration; the last result is returned.
    @discardableResult
    public func script(_ text: String) async throws -> PostgresRows { try await session.script(text) }
}

/// A connection of one's own, for what outlives a transaction: session-level advisory locks, temporary tables, settings.
public struct PostgresSession: PostgresQuerying {
    let client: PostgresClient
    let lease: Lease

    /// Runs one statement.
    @discardableResult
    public func query(_ query: PostgresQuery) async throws -> PostgresRows {
        try lease.check()
        return try await client.run(query, lease: lease.id)
    }

    /// Runs a text of several statements without parameters; the last result is returned.
    @discardableResult
    public func script(_ text: String) async throws -> PostgresRows {
        try lease.check()
        return try await client.run(.script(text), lease: lease.id, isCancellable: true)
    }

    /// Runs the closure in a transaction on this connection; see `PostgresClient.transaction`.
    @discardableResult
    public func transaction<Value: Sendable>(
        isolation: PostgresIsolation = .readCommitted, readOnly: Bool = false, _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        try await query(PostgresQuery(unsafeSQL: "begin isolation level \(isolation.rawValue)\(readOnly ? " read only" : "")"))
        let value: Value
        do {
            value = try await body(PostgresTransaction(session: self))
            try Task.checkCancellation()
        } catch {
            // Not cancellable, and its own failure is no news: the connection is closed when it is still in a transaction.
            _ = try? await client.run("rollback", lease: lease.id, isCancellable: false)
            throw error
        }
        // Not cancellable: whoever waits for a commit must learn how it ended.
        let answer = try await client.run("commit", lease: lease.id, isCancellable: false)
        guard answer.command == "COMMIT" else {
            throw PostgresError(.transactionAborted, "a statement of the transaction had failed, so the server rolled it back instead of committing")
        }
        return value
    }
}

/// The standard's isolation levels, as Postgres has them.
public enum PostgresIsolation: String, Sendable {
    /// Each statement sees what was committed before it. The default.
    case readCommitted = "read committed"
    /// All statements see what was committed before the first.
    case repeatableRead = "repeatable read"
    /// As if transactions ran one after the other; may fail with `serializationFailure`.
    case serializable = "serializable"
}

/// Whether a session may still be used.
final class Lease: Sendable {
    let id: UInt64
    private let isOpen = Atomic<Bool>(true)

    init(id: UInt64) { self.id = id }

    func end() { isOpen.store(false, ordering: .releasing) }

    func check() throws(PostgresError) {
        guard isOpen.load(ordering: .acquiring) else {
            throw PostgresError(.transactionEnded, "the transaction or session was used after its closure had returned")
        }
    }
}

extension PostgresClient {
    /// Runs the closure in a transaction on a connection of its own: commits when it returns, rolls back when it throws or
    /// the task is cancelled.
    ///
    /// - Parameter retries: how often it is run again after the server has ended it for the sake of another transaction
    ///   (`deadlockDetected`, `serializationFailure`), each time on a connection anew. Default: 0. The closure must do nothing but what the rollback undoes.
    /// - Throws: what the closure throws; `PostgresError` when no connection came free, the commit was refused or its answer lost.
    @discardableResult
    public func transaction<Value: Sendable>(
        isolation: PostgresIsolation = .readCommitted, readOnly: Bool = false, retries: Int = 0, _ body: (PostgresTransaction) async throws -> Value
    ) async throws -> Value {
        var left = retries
        while true {
            do {
                return try await withLease(closing: false) { try await $0.transaction(isolation: isolation, readOnly: readOnly, body) }
            } catch let error as PostgresError where left > 0 && [.deadlockDetected, .serializationFailure].contains(error.code) {
                left -= 1
            }
        }
    }

    /// Lends the closure a connection of its own, which is closed afterwards, so that no lock or setting outlives it.
    @discardableResult
    public func session<Value: Sendable>(_ body: (PostgresSession) async throws -> Value) async throws -> Value {
        try await withLease(closing: true, body)
    }

    private func withLease<Value>(closing: Bool, _ body: (PostgresSession) async throws -> Value) async throws -> Value {
        let lease = Lease(id: try await acquire())
        defer {
            lease.end()
            door.leave(.release(lease: lease.id, closing: closing))
        }
        return try await body(PostgresSession(client: self, lease: lease))
    }
}
