import DynamicJSON

/// A job that can follow another: the result of the step before it is one of its stored properties.
///
/// ```swift
/// struct Store: ContinuingJob {
///     static let name = "shop.store"
///     static let parameters = ["page", "bucket"]
///     static var input: KeyPath<Store, Page> { \.page }
///     var page: Page
///     var bucket: String?
///     typealias Output = Int64
/// }
/// let handle = try await client.enqueue(Chain(Fetch(url: url), then: Store.self))
/// ```
///
/// The key path says the type of the input, so that `Chain(Fetch(url: url), then: Store.self)` compiles only when `Fetch.Output` is
/// `Page`. On the wire the input is the first positional argument, so that the property's name has to be the first of
/// ``JobDefinition/parameters``.
public protocol ContinuingJob: JobDefinition {
    /// What it gets of the step before it.
    associatedtype Input: Codable & Sendable
    /// The property that takes it: the first of ``JobDefinition/parameters``.
    static var input: KeyPath<Self, Input> { get }
}

/// A workflow whose parts fit together, and the type of what it answers.
public protocol Workflow: Sendable {
    /// What can be waited for.
    associatedtype Output: Codable & Sendable
    /// What is sent.
    ///
    /// - Throws: ``ApiumError`` `badArguments` when a job in it cannot be encoded, or has no parameter for its input.
    var signature: Signature { get throws }
}

/// Jobs one after another: each gets the result of the one before.
public struct Chain<Output: Codable & Sendable>: Workflow {
    private let built: Result<Signature, ApiumError>

    private init(_ built: Result<Signature, ApiumError>) { self.built = built }

    public var signature: Signature { get throws { try built.get() } }

    /// A chain of one job.
    public init<First: JobDefinition>(_ first: First) where First.Output == Output { built = first.built }

    /// A job and the one that gets its result.
    public init<First: JobDefinition, Next: ContinuingJob>(_ first: First, then next: Next.Type) where First.Output == Next.Input, Next.Output == Output {
        self = Chain<First.Output>(first).then(next)
    }

    /// A workflow and the job that gets its result.
    public init<First: Workflow, Next: ContinuingJob>(_ first: First, then next: Next.Type) where First.Output == Next.Input, Next.Output == Output {
        self = Chain<First.Output>(Result(catching: first)).then(next)
    }

    /// The chain and one more job.
    ///
    /// - Parameter rest: the job's other arguments, its members being the keyword arguments; none by default.
    public func then<Next: ContinuingJob>(_: Next.Type, with rest: some Encodable = NoArguments()) -> Chain<Next.Output> where Next.Input == Output {
        Chain<Next.Output>(built.flatMap { first in Next.step(rest).map { first | $0 } })
    }
}

/// Jobs of one type side by side; the answer is the list of their results.
public struct Group<Element: Codable & Sendable>: Workflow {
    public typealias Output = [Element]
    private let built: Result<Signature, ApiumError>

    public var signature: Signature { get throws { try built.get() } }

    /// A group of jobs.
    public init<Member: JobDefinition>(_ members: [Member]) where Member.Output == Element { self.init(members.map(\.built)) }

    /// A group of workflows that answer the same type.
    public init<Member: Workflow>(_ members: [Member]) where Member.Output == Element { self.init(members.map { Result(catching: $0) }) }

    private init(_ members: [Result<Signature, ApiumError>]) {
        let all = members.reduce(Result<[Signature], ApiumError>.success([])) { all, member in all.flatMap { list in member.map { list + [$0] } } }
        built = all.map { Signature.group($0) }
    }

    /// The group and a job that gets the list of its results: a chord.
    public func then<Next: ContinuingJob>(_: Next.Type, with rest: some Encodable = NoArguments()) -> Chord<Next.Output> where Next.Input == [Element] {
        Chord(built.flatMap { group in Next.step(rest).map { group | $0 } })
    }
}

/// Jobs side by side, and one that gets the list of their results.
public struct Chord<Output: Codable & Sendable>: Workflow {
    private let built: Result<Signature, ApiumError>

    fileprivate init(_ built: Result<Signature, ApiumError>) { self.built = built }

    public var signature: Signature { get throws { try built.get() } }

    /// A chord of jobs.
    public init<Member: JobDefinition, Body: ContinuingJob>(_ header: [Member], then body: Body.Type)
    where Body.Input == [Member.Output], Body.Output == Output { self = Group(header).then(body) }

    /// The chord and one more job, which gets the body's result.
    public func then<Next: ContinuingJob>(_: Next.Type, with rest: some Encodable = NoArguments()) -> Chord<Next.Output> where Next.Input == Output {
        Chord<Next.Output>(built.flatMap { first in Next.step(rest).map { first | $0 } })
    }
}

/// No arguments beside the input.
public struct NoArguments: Codable, Sendable, Hashable {
    /// Makes the one value there is.
    public init() {}
}

extension JobDefinition {
    /// The call of this job, with its type's own options: for canvas that mixes typed jobs with others.
    ///
    /// - Throws: ``ApiumError`` `badArguments` when it does not encode as an object.
    public var signature: Signature { get throws { try built.get() } }

    fileprivate var built: Result<Signature, ApiumError> { Self.call(self) }

    fileprivate static func call(_ arguments: some Encodable) -> Result<Signature, ApiumError> {
        do {
            guard case .object(let kwargs) = try JSONValueEncoder().encode(arguments) else {
                return .failure(ApiumError(.badArguments, "\(name) does not encode as an object, so it has no keyword arguments"))
            }
            return .success(Signature(name, kwargs: kwargs, options: options.completing(EnqueueOptions()).signatureOptions))
        } catch {
            return .failure(ApiumError(.badArguments, "the arguments of \(name) cannot be encoded", underlying: error))
        }
    }
}

extension ContinuingJob {
    /// The call that lacks its input.
    fileprivate static func step(_ rest: some Encodable) -> Result<Signature, ApiumError> {
        guard let first = parameters.first else {
            return .failure(ApiumError(.badArguments, "\(name) follows another job, so its parameters have to begin with the name of its input"))
        }
        return call(rest).flatMap { step in
            guard step.kwargs[first] == nil else {
                return .failure(ApiumError(.badArguments, "'\(first)' of \(name) is its input; it cannot be given beside it"))
            }
            return .success(step)
        }
    }
}

extension Result where Success == Signature, Failure == ApiumError {
    fileprivate init(catching workflow: some Workflow) {
        do {
            self = .success(try workflow.signature)
        } catch {
            self = .failure(error as? ApiumError ?? ApiumError(.badArguments, "the workflow cannot be encoded", underlying: error))
        }
    }
}

extension ApiumClient {
    /// Sends a chain.
    ///
    /// - Throws: see ``send(_:args:kwargs:_:)``.
    @discardableResult
    public func enqueue<Output>(_ chain: Chain<Output>, _ options: EnqueueOptions = EnqueueOptions()) async throws -> JobHandle<Output> {
        JobHandle(try await sent(chain, options), client: self)
    }

    /// Sends a chord.
    @discardableResult
    public func enqueue<Output>(_ chord: Chord<Output>, _ options: EnqueueOptions = EnqueueOptions()) async throws -> JobHandle<Output> {
        JobHandle(try await sent(chord, options), client: self)
    }

    /// Sends a group.
    @discardableResult
    public func enqueue<Element>(_ group: Group<Element>, _ options: EnqueueOptions = EnqueueOptions()) async throws -> GroupHandle<Element> {
        GroupHandle(try await sent(group, options), client: self)
    }

    private func sent(_ workflow: some Workflow, _ options: EnqueueOptions) async throws -> ResultTuple {
        guard let handle = try await send(try workflow.signature, options) else {
            throw ApiumError(.badArguments, "the workflow has no jobs, so there is nothing to send")
        }
        return handle.tuple
    }
}
