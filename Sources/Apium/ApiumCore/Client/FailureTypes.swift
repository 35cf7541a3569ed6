import DynamicJSON

extension JobFailure {
    /// Whether it is of this class, by the class's name and, if given, its module.
    ///
    /// ```swift
    /// catch let failure as JobFailure where failure.is("KeyError") { … }
    /// ```
    ///
    /// Python's subclasses are other names: a stored failure says nothing about its class's parents.
    public func `is`(_ type: String, module: String? = nil) -> Bool { self.type == type && (module == nil || module == self.module) }

    /// The job was cancelled, expired, or ended by an operator (`TaskRevokedError`); the reason is its argument.
    public var isRevoked: Bool { self.is("TaskRevokedError") }

    /// The job's hard or soft time limit had passed.
    public var isTimeLimit: Bool { self.is("TimeLimitExceeded") || self.is("SoftTimeLimitExceeded") }

    /// A job in a chord's header failed, so that the body never ran (`ChordError`).
    public var isChordError: Bool { self.is("ChordError") }
}

/// A Swift error that can be stored as a job's failure and read back.
///
/// ```swift
/// struct OutOfStock: DecodableJobFailure {
///     static let failureType = "OutOfStock"
///     static let failureModule = "shop.errors"
///     var product: Int64
///     var failureArguments: [JSONValue] { [.int(product)] }
///     init?(failureArguments: [JSONValue]) {
///         guard let product = failureArguments.first?.intValue else { return nil }
///         self.product = product
///     }
/// }
/// client.failures.register(OutOfStock.self)
/// do { _ = try await handle.value(within: .seconds(5)) } catch let error as OutOfStock { … }
/// ```
///
/// A Python class of that name in that module is raised with the same arguments.
public protocol DecodableJobFailure: JobFailureConvertible {
    /// The class's name, as Python has it.
    static var failureType: String { get }
    /// The class's module.
    static var failureModule: String { get }
    /// The constructor's arguments.
    var failureArguments: [JSONValue] { get }
    /// Makes the error of stored arguments; `nil` when they are not its own.
    init?(failureArguments: [JSONValue])
}

extension DecodableJobFailure {
    public var jobFailure: JobFailure { JobFailure(type: Self.failureType, arguments: failureArguments, module: Self.failureModule) }
}

/// The Swift errors that stored failures are turned back into.
public struct FailureTypes: Sendable {
    private var decoders: [Name: @Sendable (JobFailure) -> (any Error)?] = [:]

    private struct Name: Hashable {
        var type: String
        var module: String
    }

    /// Makes a registry without any.
    public init() {}

    /// Registers an error type; a later one of the same name and module takes its place.
    public mutating func register<Failure: DecodableJobFailure>(_: Failure.Type) {
        decoders[Name(type: Failure.failureType, module: Failure.failureModule)] = { Failure(failureArguments: $0.arguments) }
    }

    /// The registered error of a failure, or the failure itself.
    public func error(for failure: JobFailure) -> any Error { decoders[Name(type: failure.type, module: failure.module)]?(failure) ?? failure }
}
