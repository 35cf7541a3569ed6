import Apium
import ArgumentParser
import DynamicJSON

/// What a limit or a pause is about, on the command line: exactly one of the options.
public struct HoldTargetOptions: ParsableArguments {
    @Option(help: "A queue.") var queue: String?
    @Option(help: "A job, by its name.") var job: String?
    @Option(help: ArgumentHelp("The jobs of a limit key, such as host=shop.example.", valueName: "name=value")) var key: String?

    public init() {}

    public func validate() throws {
        if [queue, job, key].compactMap({ $0 }).count != 1 { throw ValidationError("name one of --queue, --job and --key") }
    }

    /// The target; a key without a value means every key of that name.
    func target() throws -> HoldTarget {
        let text = queue.map { "queue:\($0)" } ?? job.map { "job:\($0)" } ?? key.map { "key:\($0)" } ?? ""
        guard let target = HoldTarget(text: text) else { throw ApiumError(.badArguments, "'\(text.prefix(100))' names nothing that can be limited") }
        return target
    }
}

/// `apium pause`: lets no job of a queue, a type or a key begin.
public struct PauseCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "pause", abstract: "Let no job of a queue, a type or a key begin until it is resumed.",
        discussion: """
            All workers obey at once, later ones too; what runs goes on. The jobs of a queue stay in it; others wait beside their queue and hold up nobody.

            Examples:
              apium pause --queue checks
              apium pause --job shop.check_price
              apium pause --key host=shop.example
            """)

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var target: HoldTargetOptions
    @Flag(help: "Print JSON.") var json = false

    public init() {}

    public func run() async throws {
        try await reportingFaults {
            try await connection.withConnection { connection in
                let target = try target.target()
                let isNew = try await connection.client.pause(target)
                if json { return CommandOutput.json(["target": .string(target.text), "paused": true, "changed": .bool(isNew)]) }
                CommandOutput.line(isNew ? "\(target.text) is paused" : "\(target.text) was paused already")
            }
        }
    }
}

/// `apium resume`: ends a pause.
public struct ResumeCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "End a pause; what waits goes first, in order.", discussion: "Exit code 2 when it was not paused.")

    @OptionGroup var connection: ConnectionOptions
    @OptionGroup var target: HoldTargetOptions
    @Flag(help: "Print JSON.") var json = false

    public init() {}

    public func run() async throws {
        try await reportingFaults {
            try await connection.withConnection { connection in
                let target = try target.target()
                let wasPaused = try await connection.client.resume(target)
                if json {
                    CommandOutput.json(["target": .string(target.text), "paused": false, "changed": .bool(wasPaused)])
                } else {
                    CommandOutput.line(wasPaused ? "\(target.text) goes on" : "\(target.text) was not paused")
                }
                if !wasPaused { throw CommandOutput.notThere }
            }
        }
    }
}
