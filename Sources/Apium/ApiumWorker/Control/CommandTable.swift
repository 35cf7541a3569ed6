import ApiumCore
import DynamicJSON

/// The commands a worker knows, by name: Celery's, and the program's own.
struct CommandTable: Sendable {
    /// One command and the arguments it takes.
    struct Command: Sendable {
        var required: [String] = []
        var optional: [String] = []
        /// Whether arguments it does not know are let pass, as by Python's `**kwargs`.
        var takesOthers = true
        var run: @Sendable (CommandCall, WorkerControls) async throws -> CommandAnswer
    }

    private var commands: [String: Command] = [:]
    private var own: [String: ControlCommand]

    /// Celery's commands and these.
    init(_ own: [String: ControlCommand] = [:]) {
        self.own = own
        addInspections()
        addRevokes()
        addLimits()
        addEvents()
        addPool()
        addQueues()
    }

    /// Names of all commands.
    var names: Set<String> { Set(commands.keys).union(own.keys) }

    /// Adds a command that does something.
    mutating func control(
        _ name: String, required: [String] = [], optional: [String] = [], takesOthers: Bool = true,
        run: @escaping @Sendable (CommandCall, WorkerControls) async throws -> CommandAnswer
    ) {
        commands[name] = Command(required: required, optional: optional, takesOthers: takesOthers, run: run)
    }

    /// Adds a command that looks at a snapshot, under all its names.
    mutating func inspect(
        _ names: String..., required: [String] = [], optional: [String] = [], takesOthers: Bool = true,
        run: @escaping @Sendable (CommandCall, WorkerSnapshot) throws -> JSONValue
    ) {
        for name in names {
            control(name, required: required, optional: optional, takesOthers: takesOthers) { call, controls in
                .reply(try run(call, controls.snapshot()))
            }
        }
    }

    /// Runs a command; what goes wrong in it is its answer, as Celery's workers give it.
    func answer(_ method: String, _ arguments: [String: JSONValue], _ controls: WorkerControls) async -> CommandAnswer {
        do {
            if let command = own[method] { return .reply(try await command.run(arguments, controls)) }
            guard let command = commands[method] else { throw JobFailure(type: "KeyError", arguments: [.string(method)]) }
            let call = CommandCall(command: method, arguments: arguments)
            try call.check(required: command.required, optional: command.optional, takesOthers: command.takesOthers)
            return try await command.run(call, controls)
        } catch {
            return .refused(JobFailure(error).pythonText)
        }
    }
}
