import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

/// `apium queues`: how much waits where.
public struct QueuesCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "queues", abstract: "Show how many messages wait, since when, and who serves them.",
        discussion: """
            Without names: every queue that Celery's binding tables or live workers name, or that holds messages, and what is scheduled.
            The age is that of the message that is claimed next; – stands for one whose sender does not say when it sent it, as Celery's does not.

            Examples:
              apium queues
              apium queues mails --json | jq .details.mails.oldest_seconds
            """)

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "Queues to show.") var names: [String] = []
    @Flag(help: "Print JSON: queues, a map of lengths, their details, and scheduled.") var json = false

    public init() {}

    public func run() async throws {
        try await reportingFaults {
            try await connection.withConnection { connection in
                let reports = try await connection.inspector.queues(names)
                let scheduled = try await connection.broker.scheduledCount()
                if json {
                    let lengths = Dictionary(reports.map { ($0.queue, JSONValue.int(Int64($0.length))) }) { $1 }
                    let details = Dictionary(reports.map { ($0.queue, $0.json) }) { $1 }
                    return CommandOutput.json(["queues": .object(lengths), "details": .object(details), "scheduled": .int(Int64(scheduled))])
                }
                var table = TextTable("QUEUE", "LENGTH", "OLDEST", "WORKERS")
                for report in reports {
                    table.add(report.queue, "\(report.length)", report.oldest.map { Language.english.text($0) } ?? "–", report.workers.joined(separator: ","))
                }
                table.add("scheduled", "\(scheduled)", "–", "")
                table.write()
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
