import Apium
import ArgumentParser
import DynamicJSON

/// `apium limits`: how many jobs may run at once and in a time, over all workers.
public struct LimitsCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "limits", abstract: "Show and change limits that all workers keep.",
        discussion: "They are kept on the broker and change while workers run. Without a subcommand: list.",
        subcommands: [List.self, Set.self, Clear.self], defaultSubcommand: List.self)

    public init() {}

    /// `apium limits list`.
    public struct List: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(
            commandName: "list", abstract: "Show limits and pauses, how many jobs run under each, and how many wait.")

        @OptionGroup var connection: ConnectionOptions
        @Flag(help: "Print JSON.") var json = false

        public init() {}

        public func run() async throws {
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let rows = try await connection.client.holds()
                    if json { return CommandOutput.json(.array(rows.map(\.json))) }
                    if rows.isEmpty { return CommandOutput.line("nothing is limited or paused") }
                    let width = rows.map(\.target.text.count).max() ?? 0
                    for row in rows {
                        CommandOutput.line(row.target.text + String(repeating: " ", count: width - row.target.text.count + 2) + row.summary)
                    }
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

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var target: HoldTargetOptions
        @Option(help: "How many may begin: N/s, N/m or N/h.") var rate: String?
        @Option(help: "How many may begin at once after a rest.") var burst = 1
        @Option(help: "How many may run at once.") var concurrency: Int?
        @Flag(help: "Print JSON.") var json = false

        public init() {}

        public func run() async throws {
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let target = try target.target()
                    let limit = Limit(rate: try rate.map { try Limit.Rate(text: $0, burst: burst) }, concurrency: concurrency)
                    try await connection.client.setLimit(limit, on: target)
                    let row = HoldRow(target: target, limit: limit)
                    json ? CommandOutput.json(["target": .string(target.text), "limit": row.limitJSON]) : CommandOutput.line("\(target.text)  \(row.bounds)")
                }
            }
        }
    }

    /// `apium limits clear`.
    public struct Clear: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(
            commandName: "clear", abstract: "Clear a limit; what waits goes first, in order.", discussion: "Clearing what is not limited changes nothing.")

        @OptionGroup var connection: ConnectionOptions
        @OptionGroup var target: HoldTargetOptions
        @Flag(help: "Print JSON.") var json = false

        public init() {}

        public func run() async throws {
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let target = try target.target()
                    try await connection.client.clearLimit(on: target)
                    json ? CommandOutput.json(["target": .string(target.text), "limit": .null]) : CommandOutput.line("\(target.text) is not limited")
                }
            }
        }
    }
}

extension HoldRow {
    /// The limit in words.
    fileprivate var bounds: String {
        guard let limit else { return "no limit" }
        let rate = limit.rate.map { "\($0.text)" + ($0.burst > 1 ? " (burst \($0.burst))" : "") }
        return [rate, limit.concurrency.map { "\($0) at once" }].compactMap { $0 }.joined(separator: ", ")
    }

    /// A line of the list, without the target.
    fileprivate var summary: String {
        let paused = pausedSince.map { "paused since \($0.iso8601), " } ?? ""
        return paused + "\(bounds), \(running) running, \(waiting) waiting"
    }

    fileprivate var limitJSON: JSONValue {
        guard let limit else { return .null }
        return [
            "rate": limit.rate.map { ["interval": .double($0.interval.inSeconds), "burst": .int(Int64($0.burst))] } ?? .null,
            "concurrency": limit.concurrency.map { .int(Int64($0)) } ?? .null,
        ]
    }

    fileprivate var json: JSONValue {
        [
            "target": .string(target.text), "limit": limitJSON, "paused_since": pausedSince.map { .string($0.iso8601) } ?? .null,
            "running": .int(Int64(running)), "waiting": .int(Int64(waiting)),
        ]
    }
}
