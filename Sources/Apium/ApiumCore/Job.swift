import DynamicJSON

/// What a producer needs to know of a job: its name, its arguments and the type of its result.
///
/// The stored properties are the job's keyword arguments; `Codable` turns them into Celery's `kwargs` and back:
///
/// ```swift
/// struct CheckPrice: JobDefinition {
///     static let name = "shop.check_price"
///     var productID: Int64
///     typealias Output = PriceOutcome
/// }
/// ```
///
/// A producer that never runs the job links only this; the worker adds ``Job`` or ``DependentJob``.
public protocol JobDefinition: Codable, Sendable {
    /// What the job returns: stored as the result when it succeeds. `NoOutput` for jobs that return nothing.
    associatedtype Output: Codable & Sendable

    /// Celery's task name, for example `"shop.check_price"`.
    static var name: String { get }

    /// How the job is queued, retried and limited unless the caller says otherwise. Default: ``JobOptions/init()``.
    static var options: JobOptions { get }

    /// The names of the arguments in the order in which positional arguments fill them; they are the names of the coding keys.
    ///
    /// Python callers may pass `args=[7]`; with `["productID"]` here the 7 becomes that keyword argument. Default: none,
    /// so that a message with positional arguments fails with a `TypeError` that says so.
    static var parameters: [String] { get }
}

extension JobDefinition {
    public static var options: JobOptions { JobOptions() }
    public static var parameters: [String] { [] }
}

/// A job that needs nothing but its arguments.
public protocol Job: JobDefinition {
    // Stated again, so that `run`'s return type is what the compiler takes.
    associatedtype Output

    /// Runs the job. Throw ``Retry``, ``Snooze``, ``Ignore`` or ``Reject`` to instruct the worker; any other error is a
    /// failure that the retry policy sees. `Task.isCancelled` becomes true when the job is revoked, its time is up or
    /// the worker lost it.
    func run(in context: JobContext) async throws -> Output
}

/// A job that works with things given at registration: stores, clients, clocks.
public protocol DependentJob: JobDefinition {
    // Stated again, so that `run`'s return type is what the compiler takes.
    associatedtype Output
    /// What the job is given each time it runs.
    associatedtype Dependencies: Sendable

    /// Runs the job; see ``Job/run(in:)``.
    func run(in context: JobContext, using dependencies: Dependencies) async throws -> Output
}

/// The result of a job that returns nothing: `null` on the wire.
public struct NoOutput: Codable, Sendable, Hashable {
    /// Makes the one value there is.
    public init() {}

    /// Accepts any stored value, so that a Python task of the same name may return something.
    public init(from decoder: any Decoder) throws {}

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.singleValueContainer()
        try container.encodeNil()
    }
}

/// How jobs of one type are queued, retried and limited.
public struct JobOptions: Sendable {
    /// The queue, unless the caller names one. Default: `nil`, the client's default queue (`celery`).
    public var queue: String?
    /// Celery's priority on Redis, 0 (first) to 9. Default: 0.
    public var priority: Int
    /// What happens after a failure. Default: ``RetryPolicy/never``.
    public var retry: RetryPolicy
    /// The run is cancelled and fails with `TimeLimitExceeded` after this time. Default: none.
    public var timeLimit: Duration?
    /// Whether the result is thrown away. Default: `false`.
    public var ignoreResult: Bool
    /// Acknowledge after the run (`true`, the default) or before it, as Celery does by default: a job whose worker dies
    /// is then never repeated.
    public var acksLate: Bool
    /// Whether a `STARTED` state is stored. Default: `false`.
    public var trackStarted: Bool

    /// Makes options; each default is given at its property.
    public init(
        queue: String? = nil, priority: Int = 0, retry: RetryPolicy = .never, timeLimit: Duration? = nil, ignoreResult: Bool = false, acksLate: Bool = true,
        trackStarted: Bool = false
    ) {
        self.queue = queue
        self.priority = priority
        self.retry = retry
        self.timeLimit = timeLimit
        self.ignoreResult = ignoreResult
        self.acksLate = acksLate
        self.trackStarted = trackStarted
    }
}
