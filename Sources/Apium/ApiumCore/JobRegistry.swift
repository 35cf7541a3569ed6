import DynamicJSON

/// The jobs a worker knows, by name.
public struct JobRegistry: Sendable {
    /// One registered job, its types erased: arguments in, result out.
    public struct Entry: Sendable {
        /// Celery's task name.
        public var name: String
        /// The job's options.
        public var options: JobOptions
        /// Decodes the arguments, runs the job and encodes its result. Throws ``ApiumError/Code/badArguments`` when the
        /// arguments do not fit, and whatever the job throws.
        public var run: @Sendable (TaskArguments, JobContext) async throws -> JSONValue
        /// The names of the parameters in the order of positional arguments: a ``Retry`` needs them where new arguments meet
        /// old ones of the other kind. Default: none.
        public var parameters: [String]
        /// How the job behaves as an errback. Default: ``ErrbackStyle/task``.
        public var errback: ErrbackStyle
        /// Works out the key of the job's limits from its arguments, for messages that carry none. Default: `nil`, it has none.
        public var limitKey: (@Sendable (TaskArguments) -> LimitKey?)?

        /// Makes an entry.
        public init(
            name: String, options: JobOptions, parameters: [String] = [], errback: ErrbackStyle = .task,
            run: @escaping @Sendable (TaskArguments, JobContext) async throws -> JSONValue
        ) {
            self.name = name
            self.options = options
            self.parameters = parameters
            self.errback = errback
            self.run = run
        }
    }

    private var entries: [String: Entry] = [:]
    /// What ``completed(by:)`` filled in: the tasks that every worker adds to its registry get it, too.
    package internal(set) var defaults = JobDefaults()
    /// The program's own remote control commands, by name.
    public private(set) var controlCommands: [String: ControlCommand] = [:]

    /// Makes an empty registry.
    public init() {}

    /// The names of all registered jobs, sorted.
    public var names: [String] { entries.keys.sorted() }

    /// The job of a name.
    public subscript(name: String) -> Entry? { entries[name] }

    /// Registers an entry; a later one of the same name takes its place.
    public mutating func register(_ entry: Entry) { entries[entry.name] = entry }

    /// Registers a remote control command; one of Celery's own of the same name gives way to it.
    public mutating func registerControlCommand(_ name: String, run: @escaping ControlCommand.Body) {
        controlCommands[name] = ControlCommand(name, run: run)
    }

    /// Registers a job that needs nothing but its arguments.
    public mutating func register<Definition: Job>(_: Definition.Type) {
        register(
            Entry(of: Definition.self) { arguments, context in
                let job = try arguments.decode(Definition.self)
                return try Definition.encode(try await job.run(in: context))
            })
    }

    /// Registers a job with what it works with.
    public mutating func register<Definition: DependentJob>(_: Definition.Type, using dependencies: Definition.Dependencies) {
        register(
            Entry(of: Definition.self) { arguments, context in
                let job = try arguments.decode(Definition.self)
                return try Definition.encode(try await job.run(in: context, using: dependencies))
            })
    }

    /// Registers a closure under a name, for jobs too small for a type.
    public mutating func register(
        _ name: String, options: JobOptions = JobOptions(), parameters: [String] = [], errback: ErrbackStyle = .task,
        run: @escaping @Sendable (TaskArguments, JobContext) async throws -> JSONValue
    ) {
        register(Entry(name: name, options: options, parameters: parameters, errback: errback, run: run))
    }
}

extension JobRegistry.Entry {
    /// The entry of a type.
    fileprivate init<Definition: JobDefinition>(of _: Definition.Type, run: @escaping @Sendable (TaskArguments, JobContext) async throws -> JSONValue) {
        self.init(name: Definition.name, options: Definition.options, parameters: Definition.parameters, run: run)
        // What does not decode has no key, and fails when it runs.
        limitKey = { (try? $0.decode(Definition.self))?.limitKey }
    }
}

extension JobDefinition {
    static func encode(_ output: Output) throws -> JSONValue {
        do {
            return try JSONValueEncoder().encode(output)
        } catch {
            throw ApiumError(.badResult, "the result of \(name) cannot be encoded as JSON", underlying: error)
        }
    }
}

extension TaskArguments {
    /// Decodes the job from keyword arguments, positional ones taking the names of ``JobDefinition/parameters``.
    ///
    /// - Throws: ``ApiumError`` with code `badArguments`, worded as Python's `TypeError`s are.
    public func decode<Definition: JobDefinition>(_ type: Definition.Type) throws -> Definition {
        var keywords = kwargs
        let names = Definition.parameters
        guard args.count <= names.count else {
            throw ApiumError(.badArguments, "\(Definition.name)() takes \(names.count) positional arguments but \(args.count) were given")
        }
        for (name, value) in zip(names, args) {
            guard keywords.updateValue(value, forKey: name) == nil else {
                throw ApiumError(.badArguments, "\(Definition.name)() got multiple values for argument '\(name)'")
            }
        }
        do {
            return try JSONValueDecoder().decode(Definition.self, from: .object(keywords))
        } catch {
            throw ApiumError(.badArguments, "\(Definition.name)() cannot be called with these arguments", underlying: error)
        }
    }
}
