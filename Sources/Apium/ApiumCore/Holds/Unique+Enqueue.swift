import DynamicJSON

extension EnqueueOptions {
    /// Only if no other job of the key holds its lock; else nothing is enqueued, and the answer is the job that holds it:
    /// ``JobHandle/isDuplicate``. Default: by its arguments, until it has ended.
    public static func unique(_ unique: Unique = .untilEnded) -> EnqueueOptions { EnqueueOptions().unique(unique) }

    /// Only if no other job of the same arguments was enqueued with these words within this time.
    public static func unique(for time: Duration) -> EnqueueOptions { .unique(.within(time)) }

    /// Only if no other job of the key holds its lock; see ``unique(_:)-swift.type.method``.
    public func unique(_ unique: Unique = .untilEnded) -> EnqueueOptions {
        var options = self
        options.unique = unique
        return options
    }

    /// Only if no other job of the same arguments was enqueued with these words within this time.
    public func unique(for time: Duration) -> EnqueueOptions { unique(.within(time)) }
}

extension Unique {
    /// The longest text by which jobs are told apart.
    static let longestKey = 4096

    /// The lock of a call.
    ///
    /// - Throws: ``ApiumError`` `badArguments` for a key or a time that cannot be.
    func lock(of call: TaskCall) throws -> UniqueLock {
        guard life >= .milliseconds(1) else {
            throw ApiumError(.badArguments, "\(call.task.prefix(200)) shall be unique for \(life); a millisecond is the least")
        }
        let arguments = call.arguments
        let text = key.map { "\(call.task):\($0)" } ?? "\(call.task)\(JSONValue.array([.array(arguments.args), .object(arguments.kwargs)]).text)"
        guard text.utf8.count <= Self.longestKey, !text.contains("\u{0}") else {
            throw ApiumError(
                .badArguments,
                "\(call.task.prefix(200)) shall be unique by a text of \(text.utf8.count) bytes; at most \(Self.longestKey) are possible, without NUL: give a key with .by"
            )
        }
        return UniqueLock(key: text, scope: scope, life: life)
    }
}

extension Dispatcher {
    /// Gives a message the lock that its call asks for.
    func lock(_ outgoing: inout Outgoing, of call: TaskCall) throws {
        guard let lock = try call.options.unique?.lock(of: call) else { return }
        // What ends by itself need not be known to the worker.
        if lock.scope != .time { outgoing.message.uniqueLock = lock }
        if lock.isTakenAtEnqueue { outgoing.conditions.lock = lock }
    }
}

extension JobHandle {
    /// Whether nothing was enqueued because another job held the lock (``EnqueueOptions/unique(_:)-swift.type.method``): this is the handle of that one.
    public var isDuplicate: Bool { if case .duplicate = receipt?.outcomes.first { true } else { false } }
}

/// A lock as it is now.
public struct UniqueLockRow: Sendable, Hashable {
    /// Its key.
    public var key: String
    /// The id of the job that holds it.
    public var id: String
    /// How long it lives yet when nobody ends it.
    public var remaining: Duration
    /// Whether it holds for a time, whatever becomes of the job (``UniqueLock/Scope/time``).
    public var isForTime: Bool

    /// Makes a row.
    public init(key: String, id: String, remaining: Duration, isForTime: Bool = false) {
        self.key = key
        self.id = id
        self.remaining = remaining
        self.isForTime = isForTime
    }
}
