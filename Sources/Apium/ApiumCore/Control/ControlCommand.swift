import DynamicJSON

/// A remote control command of a program's own, beside Celery's.
///
/// ```swift
/// registry.registerControlCommand("reload_prices") { arguments, worker in
///     try await cache.reload()
///     return ["ok": .string("reloaded on \(worker.name)")]
/// }
/// ```
///
/// `celery control` and `celery inspect` call it by name. What it throws is answered as `{"error": …}` and harms nothing.
public struct ControlCommand: Sendable {
    /// What runs: the request's arguments and the worker in, the reply out.
    public typealias Body = @Sendable (_ arguments: [String: JSONValue], _ worker: any ControlledWorker) async throws -> JSONValue

    /// The name by which it is called.
    public var name: String
    /// What runs.
    public var run: Body

    /// Makes a command.
    public init(_ name: String, run: @escaping Body) {
        self.name = name
        self.run = run
    }
}

/// What a control command sees of its worker and may do to it.
public protocol ControlledWorker: Sendable {
    /// The node name.
    var name: String { get }
    /// The queues it serves, in order.
    var queues: [String] { get }
    /// How many changes of its queues have been asked for and are not done yet.
    var pendingOperations: Int { get }
    /// Serves a queue from soon on.
    func addConsumer(_ queue: String)
    /// Stops serving a queue soon.
    func cancelConsumer(_ queue: String)
}
