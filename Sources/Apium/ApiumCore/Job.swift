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

    /// By what this job is limited together with others, worked out from its arguments: for example the host that it asks. It counts where
    /// a limit is set for keys of that name. Default: `nil`, nothing.
    var limitKey: LimitKey? { get }

    /// What tells jobs of this type apart where they are ``Unique``. Default: `nil`, all their arguments.
    var uniqueKey: String? { get }
}

extension JobDefinition {
    public static var options: JobOptions { JobOptions() }
    public static var parameters: [String] { [] }
    public var limitKey: LimitKey? { nil }
    public var uniqueKey: String? { nil }
}

/// A job that needs nothing but its arguments.
public protocol Job: JobDefinition {
    /// What ``run(in:)`` returns. Stated again, so that `run`'s return type is what the compiler takes.
    associatedtype Output

    /// Runs the job. Throw ``Retry``, ``Snooze``, ``Ignore`` or ``Reject`` to instruct the worker; any other error is a
    /// failure that the retry policy sees. `Task.isCancelled` becomes true when the job is revoked, its time is up or
    /// the worker lost it.
    func run(in context: JobContext) async throws -> Output
}

/// A job that works with things given at registration: stores, clients, clocks.
public protocol DependentJob: JobDefinition {
    /// What ``run(in:using:)`` returns. Stated again, so that `run`'s return type is what the compiler takes.
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
