import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

/// A shelf as a subcommand.
public protocol CommandShelf: Sendable {
    /// The shelf.
    static var shelf: Shelf { get }
    /// What stands on it, for the help.
    static var about: String { get }
}

/// `apium dead`.
public enum DeadShelf: CommandShelf {
    public static let shelf = Shelf.dead
    public static let about = "jobs that failed for good"
}

/// `apium parked`.
public enum ParkedShelf: CommandShelf {
    public static let shelf = Shelf.parked
    public static let about = "messages that no worker could read, or whose job no worker knows"
}

/// `apium quarantine`.
public enum QuarantineShelf: CommandShelf {
    public static let shelf = Shelf.quarantine
    public static let about = "jobs that took their process down several times"
}

/// `apium dead`, `apium parked`, `apium quarantine`: what was set aside.
public struct ShelfCommand<Kind: CommandShelf>: AsyncParsableCommand {
    public static var configuration: CommandConfiguration {
        CommandConfiguration(
            commandName: Kind.shelf.rawValue, abstract: "List, show, requeue and delete \(Kind.about).",
            subcommands: [List.self, Show.self, Requeue.self, Delete.self])
    }

    public init() {}

    fileprivate static var place: JobPlace { JobPlace(rawValue: Kind.shelf.rawValue) ?? .dead }

    /// `apium dead list`.
    public struct List: AsyncParsableCommand {
        public static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "list", abstract: "List \(Kind.about), the newest first.",
                discussion: """
                    Examples:
                      apium \(Kind.shelf.rawValue) list --name 'shop.*' --younger-than 1h
                      apium \(Kind.shelf.rawValue) list --json | jq -r '.jobs[].reason' | sort | uniq -c
                    """)
        }
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var filter: JobFilter
        @OptionGroup var page: PageOptions
        @Flag(help: "Print JSON: jobs, and next, a cursor or null.") var json = false
        public init() {}

        public func run() async throws {
            let language = connection.language
            try await reportingFaults {
                try await connection.withConnection { connection in
                    var query = filter.query([ShelfCommand.place])
                    query.limit = page.limit
                    query.cursor = try page.cursor.map(JobCursor.init(text:))
                    let jobs = try await connection.inspector.jobs(query)
                    jobs.write(json: json, at: try await connection.broker.serverTime(), in: language)
                }
            }
        }
    }

    /// `apium dead show ID`.
    public struct Show: AsyncParsableCommand {
        public static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "show", abstract: "Show one record: why it was set aside, and its message.",
                discussion: """
                    Example: apium \(Kind.shelf.rawValue) show 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e

                    Exit code 2 when there is no such record.
                    """)
        }
        @OptionGroup var connection: OperatorOptions
        @Argument(help: "The record's id: the job's.") var id: String
        @Flag(help: "Print JSON.") var json = false
        public init() {}

        public func run() async throws {
            try await reportingFaults {
                try await connection.withConnection { connection in
                    guard let record = try await connection.broker.record(id, in: Kind.shelf) else {
                        CommandOutput.complain("no record '\(id)' is on the shelf \(Kind.shelf.rawValue)")
                        throw CommandOutput.notThere
                    }
                    let message = try? Message(decoding: record.payload)
                    let shown: JSONValue = [
                        "id": .string(record.id), "name": record.task.map { .string($0) } ?? .null, "queue": .string(record.queue),
                        "reason": .string(record.reason), "at": .string(record.at.iso8601), "attempts": .int(Int64(record.attempts)),
                        "message": message?.shown ?? .null,
                        // What can't be read is shown as it stands.
                        "raw": message == nil ? .string(String(decoding: record.payload, as: UTF8.self)) : .null,
                    ]
                    if json { return CommandOutput.json(shown) }
                    for (name, value) in shown.objectValue?.sorted(by: { $0.key < $1.key }) ?? [] where !value.isNull {
                        CommandOutput.line(Terminal.plain("\(name): \(value.stringValue ?? value.text)"))
                    }
                }
            }
        }
    }

    /// `apium dead requeue`.
    public struct Requeue: AsyncParsableCommand {
        public static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "requeue", abstract: "Put records back on their queues.",
                discussion: """
                    Records are named by their ids, or chosen by filters or --all. Those that are chosen are counted first; on a terminal you are asked
                    then, and a script says --yes. They keep the attempts they had; `apium jobs retry` gives them all again.

                    Examples:
                      apium \(Kind.shelf.rawValue) requeue 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e
                      apium \(Kind.shelf.rawValue) requeue --name 'shop.*' --younger-than 1h
                      apium \(Kind.shelf.rawValue) requeue --name 'shop.*' --younger-than 1h --yes

                    Exit code 2 when a record that was named is not there.
                    """)
        }
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: ShelfChoice
        @Option(help: "The queue they go to. Default: their own.") var to: String?
        public init() {}

        public func run() async throws {
            let work = choice.work(.requeue, on: ShelfCommand.place, connection.language)
            try await reportingFaults {
                try await connection.withConnection { try await work.run($0) { desk, row in try await desk.requeue(row, to: to) } }
            }
        }
    }

    /// `apium dead delete`.
    public struct Delete: AsyncParsableCommand {
        public static var configuration: CommandConfiguration {
            CommandConfiguration(
                commandName: "delete", abstract: "Delete records: they never run.",
                discussion: """
                    As for requeue: records that are chosen by filters or --all are counted first.

                    Example: apium \(Kind.shelf.rawValue) delete --older-than 30d --yes
                    """)
        }
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: ShelfChoice
        public init() {}

        public func run() async throws {
            let work = choice.work(.delete, on: ShelfCommand.place, connection.language)
            try await reportingFaults {
                try await connection.withConnection { try await work.run($0) { desk, row in try await desk.delete(row) } }
            }
        }
    }
}

/// Which records of a shelf something is done with.
struct ShelfChoice: ParsableArguments {
    @Argument(help: "The ids.") var ids: [String] = []
    @Flag(help: "All records.") var all = false
    @OptionGroup var filter: JobFilter
    @OptionGroup var bulk: BulkOptions
    @Flag(help: "Print JSON: whether it was done, and the ids.") var json = false

    func validate() throws {
        if ids.isEmpty && !all && !filter.isGiven { throw ValidationError("name records by their ids, or choose them by filters or --all") }
        if !ids.isEmpty && (all || filter.isGiven) { throw ValidationError("name records by their ids, or choose them by filters, not both") }
    }

    /// The work with what is chosen.
    func work(_ verb: JobVerb, on place: JobPlace, _ language: Language) -> BulkWork {
        BulkWork(verb: verb, ids: ids, query: filter.query([place]), bulk: bulk, json: json, language: language)
    }
}
