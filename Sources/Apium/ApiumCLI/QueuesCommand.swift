import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

/// `apium queues`: how much waits where.
public struct QueuesCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "queues", abstract: "Show how many messages wait, since when, what comes and leaves, what is paused and limited, and who serves it.",
        discussion: """
            Without names: every queue that Celery's binding tables or live workers name, or that holds messages, and what is scheduled.
            What a limit or a pause of the queue holds back stands beside its length: "0 + 7 held". ? stands for the length of a queue that the broker's user may not read. The age is that of the message that is claimed next; – stands for one whose sender does not say when it sent it, as Celery's does not.

            IN and OUT are what our workers counted in the last minute. With --measure or --watch they are measured, whoever takes the messages, by two looks
            --interval apart: the last message of the first look is looked for in the second. ≥ stands for the least that it can have been, where that
            message was claimed in between.

            Examples:
              apium queues
              apium queues --watch
              apium queues mails --measure --interval 5s
              apium queues mails --json | jq .details.mails.oldest_seconds
            """)

    @OptionGroup var connection: OperatorOptions
    @Argument(help: "Queues to show.") var names: [String] = []
    @Flag(help: "Measure what comes and leaves in a second.") var measure = false
    @OptionGroup var live: WatchOptions
    @Flag(help: "Print JSON: queues, a map of lengths (null: may not be read), their details, and scheduled.") var json = false

    public init() {}

    public func run() async throws {
        let (names, language, time) = (names, connection.language, live.time)
        try await reportingFaults {
            try await connection.withConnection { connection in
                let inspector = connection.inspector
                if live.watch {
                    return try await LiveView.run(every: .zero) {
                        let reports = try await inspector.queues(names, watching: time)
                        let now = try await inspector.broker.serverTime()
                        let head = Terminal.styled("apium queues  \(now.iso8601)  Ctrl-C", .dim)
                        return [head] + Self.table(reports, try await inspector.broker.scheduledCount(), language, now).lines()
                    }
                }
                let reports = try await inspector.queues(names, watching: measure ? time : .zero)
                let scheduled = try await connection.broker.scheduledCount()
                if json {
                    let lengths = Dictionary(reports.map { ($0.queue, $0.length.map { JSONValue.int(Int64($0)) } ?? .null) }) { $1 }
                    let details = Dictionary(reports.map { ($0.queue, $0.json) }) { $1 }
                    return CommandOutput.json(["queues": .object(lengths), "details": .object(details), "scheduled": .int(Int64(scheduled))])
                }
                Self.table(reports, scheduled, language, try await connection.broker.serverTime()).write()
                Gap.complain(reports.filter { $0.length == nil }.map { .queue($0.queue) }, in: language)
            }
        }
    }

    private static func table(_ reports: [QueueReport], _ scheduled: Int, _ language: Language, _ now: Timestamp) -> TextTable {
        var table = TextTable("QUEUE", "LENGTH", "IN", "OUT", "OLDEST", "PAUSED", "LIMIT", "WORKERS")
        for report in reports {
            let rates = report.rates?.texts
            table.add(
                [
                    report.queue, (report.length.map { "\($0)" } ?? "?") + (report.held > 0 ? " + \(report.held) held" : ""), rates?.incoming ?? "–",
                    rates?.outgoing ?? "–",
                    report.oldest.map { language.text($0) } ?? "–",
                    report.pausedSince.map { language.text(now - $0) } ?? "–", report.limit.map { "\($0.text), \(report.running ?? 0) running" } ?? "–",
                    report.workers.joined(separator: ","),
                ], report.pausedSince != nil ? .yellow : report.length.map { $0 > 0 && report.workers.isEmpty } ?? false ? .red : nil)
        }
        table.add("scheduled", "\(scheduled)", "–", "–", "–", "–", "–", "")
        return table
    }
}

/// `apium purge`: deletes what waits in queues.
public struct PurgeCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "purge", abstract: "Delete what waits in queues.",
        discussion: """
            In-flight and scheduled jobs stay. The messages are counted first; on a terminal you are asked then, and a script says --yes.

            Examples:
              apium purge night
              apium purge night mails --yes
            """)

    @OptionGroup var connection: OperatorOptions
    @Argument(help: "The queues.") var names: [String]
    @OptionGroup var bulk: BulkOptions
    @Flag(help: "Print JSON.") var json = false

    public init() {}

    public func validate() throws {
        if names.isEmpty { throw ValidationError("name at least one queue") }
    }

    public func run() async throws {
        let language = connection.language
        try await reportingFaults {
            try await connection.withConnection { connection in
                var counts: [String: Int] = [:]
                for name in names { counts[name] = try await connection.broker.queueLength(name) }
                let isReal = try await isWanted(counts, language)
                for name in names where isReal { counts[name] = try await connection.broker.purge(name) }
                if json { return CommandOutput.json(["deleted": .bool(isReal), "messages": .object(counts.mapValues { .int(Int64($0)) })]) }
                for name in names {
                    let count = counts[name] ?? 0
                    CommandOutput.line("\(name): " + (isReal ? JobVerb.delete.wasDone(count, in: language) : JobVerb.delete.wouldBeDone(count, in: language)))
                }
            }
        }
    }

    private func isWanted(_ counts: [String: Int], _ language: Language) async throws -> Bool {
        if bulk.dryRun { return false }
        if bulk.yes { return true }
        let sum = counts.values.reduce(0, +)
        guard Terminal.isInteractive, !json, sum > 0 else { return false }
        for name in names { CommandOutput.line("\(name): \(counts[name] ?? 0)") }
        guard await Terminal.confirms(JobVerb.delete.question(sum, in: language)) else { throw ExitCode.success }
        return true
    }
}
