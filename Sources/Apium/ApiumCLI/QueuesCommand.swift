import Apium
import ArgumentParser
import DynamicJSON

/// `apium queues`: how much waits where.
public struct QueuesCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "queues", abstract: "Show how many messages wait.",
        discussion: "Without names: every queue that Celery's binding tables or live workers name, and what is scheduled and set aside.")

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "Queues to show.") var names: [String] = []
    @Flag(help: "Print JSON.") var json = false

    public init() {}

    public func run() async throws {
        try await reportingFaults {
            try await connection.withConnection { connection in
                let queues = names.isEmpty ? try await connection.broker.knownQueues() : names
                var lengths: [String: JSONValue] = [:]
                for queue in queues { lengths[queue] = .int(Int64(try await connection.broker.queueLength(queue))) }
                let scheduled = try await connection.broker.scheduledCount()
                if json { return CommandOutput.json(["queues": .object(lengths), "scheduled": .int(Int64(scheduled))]) }
                let width = max(9, lengths.keys.map(\.count).max() ?? 0)
                for (queue, length) in lengths.sorted(by: { $0.key < $1.key }) {
                    CommandOutput.line(queue + String(repeating: " ", count: width - queue.count + 2) + length.text)
                }
                CommandOutput.line("scheduled" + String(repeating: " ", count: width - 9 + 2) + "\(scheduled)")
            }
        }
    }
}

/// `apium purge`: deletes what waits in queues.
public struct PurgeCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Delete what waits in queues.", discussion: "In-flight and scheduled jobs stay. Without --force it only counts.")

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The queues.") var names: [String]
    @Flag(name: .shortAndLong, help: "Really delete.") var force = false
    @Flag(help: "Print JSON.") var json = false

    public init() {}

    public func validate() throws {
        if names.isEmpty { throw ValidationError("name at least one queue") }
    }

    public func run() async throws {
        try await reportingFaults {
            try await connection.withConnection { connection in
                var counts: [String: JSONValue] = [:]
                for name in names {
                    let count = force ? try await connection.broker.purge(name) : try await connection.broker.queueLength(name)
                    counts[name] = .int(Int64(count))
                    if !json { CommandOutput.line("\(name): \(count) \(force ? "deleted" : "would be deleted; --force deletes them")") }
                }
                if json { CommandOutput.json(["deleted": .bool(force), "messages": .object(counts)]) }
            }
        }
    }
}
