import ApiumCore
import DynamicJSON

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// Runs a registered job: in this process, or in a child of it.
public protocol JobRunner: Sendable {
    /// The process the job runs in.
    var pid: Int32 { get }

    /// Runs the job to its value, or throws what it threw.
    ///
    /// `context.limits` tells what the worker wants: an observer hears the soft limit and the order to stop. The calling task is
    /// cancelled by both.
    func run(_ entry: JobRegistry.Entry, _ arguments: TaskArguments, in context: JobContext) async throws -> JSONValue

    /// Gives the place back that is kept for a run which will not be.
    func release()
}

extension JobRunner {
    /// Gives the place back that is kept for a run which will not be.
    public func release() {}
}

/// Runs jobs in this process.
public struct InProcessRunner: JobRunner {
    /// Makes a runner.
    public init() {}

    public var pid: Int32 { Self.ownPid }

    /// Asked of the system once.
    private static let ownPid = getpid()

    public func run(_ entry: JobRegistry.Entry, _ arguments: TaskArguments, in context: JobContext) async throws -> JSONValue {
        try await entry.run(arguments, context)
    }
}
