import Apium
import ApiumInspect
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

/// What the commands share that change one limit or one pause.
struct HoldChange: ParsableArguments {
    @OptionGroup var connection: OperatorOptions
    @OptionGroup var target: HoldTargetOptions
    @Flag(help: "Print JSON: the target, and what it has now.") var json = false

    /// What was changed: the members of the JSON answer, and the sentence for people.
    struct Report {
        var members: [String: JSONValue]
        var english: String
        var russian: String
    }

    /// Changes the target.
    func change(_ body: (ApiumClient, HoldTarget) async throws -> Report) async throws {
        let language = connection.language
        try await connection.withConnection { connection in
            let target = try target.target()
            var report = try await body(connection.client, target)
            report.members["target"] = .string(target.text)
            if json { return CommandOutput.json(.object(report.members)) }
            CommandOutput.line(Terminal.plain(target.text) + " " + (language == .russian ? report.russian : report.english))
        }
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

    @OptionGroup var hold: HoldChange

    public init() {}

    public func run() async throws {
        try await reportingFaults {
            try await hold.change { client, target in
                let isNew = try await client.pause(target)
                return HoldChange.Report(
                    members: ["paused": true, "changed": .bool(isNew)], english: isNew ? "is paused" : "was paused already",
                    russian: isNew ? "на паузе" : "уже была на паузе")
            }
        }
    }
}

/// `apium resume`: ends a pause.
public struct ResumeCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "resume", abstract: "End a pause; what waits goes first, in order.",
        discussion: """
            Example: apium resume --queue checks

            Exit code 2 when it was not paused.
            """)

    @OptionGroup var hold: HoldChange

    public init() {}

    public func run() async throws {
        try await reportingFaults {
            var wasPaused = false
            try await hold.change { client, target in
                wasPaused = try await client.resume(target)
                return HoldChange.Report(
                    members: ["paused": false, "changed": .bool(wasPaused)], english: wasPaused ? "goes on" : "was not paused",
                    russian: wasPaused ? "снята с паузы" : "не была на паузе")
            }
            if !wasPaused { throw CommandOutput.notThere }
        }
    }
}

/// `apium limits`: how many jobs may run at once and in a time, over all workers.
public struct LimitsCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "limits", abstract: "Show and change limits that all workers keep.",
        discussion: """
            They are kept on the broker and change while workers run. Without a subcommand: list.

            Examples:
              apium limits
              apium limits set --queue mail --concurrency 4
              apium limits clear --queue mail
            """,
        subcommands: [List.self, Set.self, Clear.self], defaultSubcommand: List.self)

    public init() {}

    /// `apium limits list`.
    public struct List: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show limits and pauses, how many jobs run under each, and how many wait.",
            discussion: "Example: apium limits list --json | jq '.[] | select(.waiting > 0)'")

        @OptionGroup var connection: OperatorOptions
        @Flag(help: "Print JSON.") var json = false

        public init() {}

        public func run() async throws {
            let language = connection.language
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let rows = try await connection.client.holds()
                    if json { return CommandOutput.json(.array(rows.map(\.json))) }
                    if rows.isEmpty { return CommandOutput.complain("nothing is limited or paused") }
                    let now = try await connection.broker.serverTime()
                    var table = TextTable("TARGET", "LIMIT", "RUNNING", "WAITING", "NEXT IN", "PAUSED")
                    for row in rows {
                        table.add(
                            [
                                row.target.text, row.limit?.text ?? "–", "\(row.running)", "\(row.waiting)",
                                row.waiting > 0 ? row.opensAt.map { language.text(max($0 - now, .zero)) } ?? "–" : "–",
                                row.pausedSince.map { language.text(now - $0) } ?? "–",
                            ], row.pausedSince == nil ? nil : .yellow)
                    }
                    table.write()
                }
            }
        }
    }

    /// `apium limits set`.
    public struct Set: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(
            commandName: "set", abstract: "Set or change a limit.",
            discussion: """
                Jobs that run already are not counted by a new limit.

                Examples:
                  apium limits set --queue mail --concurrency 4
                  apium limits set --job shop.report --rate 10/m --burst 3
                  apium limits set --key host --rate 30/m --concurrency 2       each host for itself
                  apium limits set --key host=shop.example --rate 5/m           this one alone
                """)

        @OptionGroup var hold: HoldChange
        @Option(help: "How many may begin: N/s, N/m or N/h.") var rate: String?
        @Option(help: "How many may begin at once after a rest.") var burst = 1
        @Option(help: "How many may run at once.") var concurrency: Int?

        public init() {}

        public func run() async throws {
            try await reportingFaults {
                try await hold.change { client, target in
                    let limit = Limit(rate: try rate.map { try Limit.Rate(text: $0, burst: burst) }, concurrency: concurrency)
                    try await client.setLimit(limit, on: target)
                    return HoldChange.Report(members: ["limit": limit.json], english: "is limited to \(limit.text)", russian: "ограничена: \(limit.text)")
                }
            }
        }
    }

    /// `apium limits clear`.
    public struct Clear: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(
            commandName: "clear", abstract: "Clear a limit; what waits goes first, in order.",
            discussion: """
                Clearing what is not limited changes nothing.

                Example: apium limits clear --key host=shop.example
                """)

        @OptionGroup var hold: HoldChange

        public init() {}

        public func run() async throws {
            try await reportingFaults {
                try await hold.change { client, target in
                    try await client.clearLimit(on: target)
                    return HoldChange.Report(members: ["limit": .null], english: "is not limited", russian: "без предела")
                }
            }
        }
    }
}

extension Limit {
    fileprivate var json: JSONValue {
        [
            "rate": rate.map { ["interval": .double($0.interval.inSeconds), "burst": .int(Int64($0.burst))] } ?? .null,
            "concurrency": concurrency.map { .int(Int64($0)) } ?? .null,
        ]
    }
}

extension HoldRow {
    fileprivate var json: JSONValue {
        [
            "target": .string(target.text), "limit": limit?.json ?? .null, "paused_since": pausedSince.map { .string($0.iso8601) } ?? .null,
            "running": .int(Int64(running)), "waiting": .int(Int64(waiting)), "next_at": opensAt.map { .string($0.iso8601) } ?? .null,
        ]
    }
}
