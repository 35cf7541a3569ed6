import ApiumCore
import DynamicJSON

/// The tasks that every Celery worker has, under Celery's names (celery-wire 8.2 and 11): part of every worker's registry.
enum BuiltinTasks {
    /// The registry with these tasks, under the same defaults as its own; a job of the same name that somebody registered stays.
    static func adding(to registry: JobRegistry) -> JobRegistry {
        var all = registry
        for var entry in entries(calling: registry) where registry[entry.name] == nil {
            entry.options = entry.options.completed(by: registry.defaults)
            all.register(entry)
        }
        return all
    }

    private static func entries(calling registry: JobRegistry) -> [JobRegistry.Entry] {
        [
            entry("celery.accumulate") { arguments, _ in try accumulate(arguments) },
            entry("celery.map", ["task", "it"]) { arguments, context in
                try await each(arguments, "map", registry, context) { [$0] }
            },
            entry("celery.starmap", ["task", "it"]) { arguments, context in
                try await each(arguments, "starmap", registry, context) { item in
                    guard case .array(let args) = item else {
                        throw TaskFailure.type("celery.starmap() takes lists of arguments, not \(PythonText.text(item))")
                    }
                    return args
                }
            },
            entry("celery.chunks", ["task", "it", "n"]) { arguments, context in
                let members = arguments.named(["task", "it", "n"])
                return try await context.send(Signature("celery.chunks", kwargs: members, subtaskType: "chunks"))?.json ?? .null
            },
            entry("celery.group", ["tasks", "result", "group_id", "partial_args", "add_to_parent"]) { try await group($0, $1) },
            entry("celery.chord", ["header", "body", "partial_args"]) { arguments, context in
                let members = arguments.named(["header", "body", "partial_args"])
                let chord = Signature(
                    "celery.chord", kwargs: ["header": members["header"] ?? [], "body": members["body"] ?? .null, "kwargs": [:]], subtaskType: "chord")
                return try await context.send(chord, args: members["partial_args"]?.arrayValue ?? [])?.json ?? .null
            },
            entry("celery.chain") { _, _ in throw TaskFailure.notImplemented("chain is not a real task") },
            entry("celery.chord_unlock") { _, _ in
                throw TaskFailure.notImplemented("chords are counted in the result backend here: celery.chord_unlock is for backends that cannot")
            },
            // Results on Redis expire by themselves.
            entry("celery.backend_cleanup") { _, _ in .null },
            entry("celery.ping") { _, _ in "pong" },
        ]
    }

    private static func entry(
        _ name: String, _ parameters: [String] = [], run: @escaping @Sendable (TaskArguments, JobContext) async throws -> JSONValue
    ) -> JobRegistry.Entry {
        JobRegistry.Entry(name: name, options: JobOptions(), parameters: parameters, run: run)
    }

    /// All its arguments, or the one at `index`: the body of the chord that a group becomes when it takes a job's place.
    private static func accumulate(_ arguments: TaskArguments) throws -> JSONValue {
        guard let index = arguments.kwargs["index"], !index.isNull else { return .array(arguments.args) }
        let count = arguments.args.count
        guard let place = index.intValue, (-count..<count).contains(Int(clamping: place)) else {
            throw JobFailure(type: "IndexError", arguments: ["tuple index out of range"])
        }
        return arguments.args[place < 0 ? count + Int(place) : Int(place)]
    }

    /// Calls a registered task inline with each element of a list; what a call throws ends it all.
    private static func each(
        _ arguments: TaskArguments, _ what: String, _ registry: JobRegistry, _ context: JobContext, _ args: (JSONValue) throws -> [JSONValue]
    ) async throws -> JSONValue {
        let members = arguments.named(["task", "it"])
        guard let json = members["task"], case .array(let items)? = members["it"] else {
            throw TaskFailure.type("celery.\(what)() takes a signature 'task' and a list 'it'")
        }
        let signature = try Signature(json: json)
        guard let entry = registry[signature.task] else {
            throw JobFailure(type: "NotRegistered", arguments: [.string(signature.task)], module: "celery.exceptions")
        }
        var values: [JSONValue] = []
        for item in items {
            try context.checkLimits()
            values.append(try await entry.run(TaskArguments(args: try args(item)), context))
        }
        return .array(values)
    }

    /// Old producers send groups as a job: its members go out under the ids they were given.
    private static func group(_ arguments: TaskArguments, _ context: JobContext) async throws -> JSONValue {
        let members = arguments.named(["tasks", "result", "group_id", "partial_args", "add_to_parent"])
        guard case .array(let tasks)? = members["tasks"] else { throw TaskFailure.type("celery.group() takes a list 'tasks'") }
        for json in tasks {
            var signature = try Signature(json: json)
            if let group = members["group_id"], !group.isNull { signature.options["group_id"] = group }
            try await context.send(signature, args: members["partial_args"]?.arrayValue ?? [], asChild: false)
        }
        let result = members["result"] ?? .null
        if members["add_to_parent"]?.boolValue != false, let tuple = ResultTuple(json: result) { context.services.adopt(tuple) }
        return result
    }
}

/// Python's own exceptions, as builtin tasks raise them.
private enum TaskFailure {
    static func type(_ text: String) -> JobFailure { JobFailure(type: "TypeError", arguments: [.string(text)]) }
    static func notImplemented(_ text: String) -> JobFailure { JobFailure(type: "NotImplementedError", arguments: [.string(text)]) }
}

extension TaskArguments {
    /// The keyword arguments, with positional ones under the names of their parameters.
    func named(_ names: [String]) -> [String: JSONValue] { kwargs.merging(zip(names, args).map { ($0, $1) }) { $1 } }
}
