import Apium
import ArgumentParser
import DynamicJSON

/// `apium call`: enqueues a task by name.
public struct CallCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "call", abstract: "Enqueue a task by name.",
        discussion: """
            Examples:
              apium call shop.check_price --kwargs '{"product_id": 7}'
              apium call tasks.add --args '[2, 3]' --wait 10
            Prints the task's id; with --wait its result.
            """)

    @OptionGroup var connection: OperatorOptions
    @Argument(help: "The task's name.") var task: String
    @Option(name: .shortAndLong, help: "Positional arguments: a JSON list.") var args: String = "[]"
    @Option(name: .shortAndLong, help: "Keyword arguments: a JSON object.") var kwargs: String = "{}"
    @Option(name: .shortAndLong, help: "The queue. Default: where the settings route the task.") var queue: String?
    @Option(help: "A named direct exchange, with --routing-key: the task goes to every queue that is bound there with it.") var exchange: String?
    @Option(help: "The routing key on the exchange.") var routingKey: String?
    @Option(help: "Not before this many seconds have passed.") var countdown: Double?
    @Option(help: "Dropped when it has not started within this many seconds.") var expires: Double?
    @Option(help: "0 (first) to 9.") var priority: Int?
    @Option(help: "The task's id. Default: a new one.") var taskID: String?
    @Option(help: "Wait this many seconds for the result and print it.") var wait: Double?
    @Flag(help: "Print JSON.") var json = false

    public init() {}

    public func validate() throws {
        if let priority, !(0...9).contains(priority) { throw ValidationError("--priority is 0 to 9, not \(priority)") }
        for (name, value) in [("--countdown", countdown), ("--expires", expires), ("--wait", wait)] { try SecondsOption.validate(name, value) }
        if (exchange == nil) != (routingKey == nil) { throw ValidationError("--exchange and --routing-key go together") }
        _ = try parsedArguments()
    }

    public func run() async throws {
        try await reportingFaults {
            try await connection.withConnection { connection in
                let arguments = try parsedArguments()
                let options = EnqueueOptions.with {
                    $0.id = taskID
                    $0.queue = queue
                    $0.exchange = exchange
                    $0.routingKey = routingKey
                    $0.delay = countdown.map { .seconds($0) }
                    $0.expires = expires.map { .seconds($0) }
                    $0.priority = priority
                }
                let handle = try await connection.client.enqueue(task: task, args: arguments.args, kwargs: arguments.kwargs, options)
                guard let wait else { return json ? CommandOutput.json(["id": .string(handle.id)]) : CommandOutput.line(handle.id) }
                try await ResultCommand.show(handle.id, within: wait, json: json, connection)
            }
        }
    }

    private func parsedArguments() throws -> TaskArguments {
        guard case .array(let list)? = try? JSONValue(parsing: args) else { throw ValidationError("--args is a JSON list, for example '[2, 3]'") }
        guard case .object(let object)? = try? JSONValue(parsing: kwargs) else { throw ValidationError("--kwargs is a JSON object, for example '{\"x\": 2}'") }
        return TaskArguments(args: list, kwargs: object)
    }
}
