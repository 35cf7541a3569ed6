/// What crosses from tasks to the I/O thread.
enum Command: Sendable {
    case run(Operation)
    case cancel(UInt64)
    case acquire(LeaseRequest)
    case release(lease: UInt64, closing: Bool)
    case dialled(connection: UInt64, Handle)
    case subscribe(Subscription)
    case unsubscribe(channel: String, id: UInt64)
    case shutdown(CheckedContinuation<Void, Never>)
    /// The client is gone: end at once.
    case stop
}

/// One statement on its way, and who waits for it.
struct Operation: Sendable {
    enum Kind: Sendable {
        case statement(text: String, ParameterBuffer, isCacheable: Bool)
        /// Several statements without parameters, by the simple protocol.
        case script(String)
    }

    let id: UInt64
    let kind: Kind
    /// The lease whose connection must run it; nil for any shared connection.
    let lease: UInt64?
    /// On the monotonic clock: when waiting for a connection ends.
    let deadline: Int64
    /// Nil for what the pool sends for itself.
    let continuation: CheckedContinuation<PostgresRows, any Error>?
    /// Sent once before with a prepared statement that the server had lost or found outdated.
    var isSecondAttempt = false
}

/// A wait for a connection of one's own; the id becomes the lease's.
struct LeaseRequest: Sendable {
    let id: UInt64
    let deadline: Int64
    let continuation: CheckedContinuation<Void, any Error>
}

/// One listener of a channel.
struct Subscription: Sendable {
    let id: UInt64
    let channel: String
    let continuation: AsyncStream<PostgresNotification>.Continuation
}
