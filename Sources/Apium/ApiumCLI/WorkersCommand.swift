import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

/// `apium workers`: who works.
public struct WorkersCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "workers", abstract: "Show the worker processes, and steer them.",
        discussion: """
            `list` and `show` read the register of Apium's workers. The others speak Celery's remote control, so Celery's workers obey them, too.
            Without a subcommand: list.

            Examples:
              apium workers --watch
              apium workers ping
              apium workers drain apium@host
            """,
        subcommands: [List.self, Show.self, Ping.self, Scale.self, Drain.self, Shutdown.self, HandBack.self], defaultSubcommand: List.self)

    public init() {}

    /// `apium workers list`.
    public struct List: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(
            abstract: "List the workers: name, process, how many jobs each holds, whether its lease is renewed, since when it runs.",
            discussion: """
                Watches for up to half a lease whether leases are renewed. A worker that is silent for a lease is lost: its jobs run elsewhere.
                Celery's workers are in no register: `apium workers ping` asks them.

                Examples:
                  apium workers
                  apium workers --watch
                  apium workers list --json | jq '.[] | select(.renewing | not) | .name'
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var live: WatchOptions
        @Flag(help: "Print JSON.") var json = false
        public init() {}

        public func run() async throws {
            let (language, time) = (connection.language, live.time)
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let inspector = connection.inspector
                    if live.watch {
                        return try await LiveView.run(every: time) {
                            let workers = try await inspector.workers()
                            let now = try await inspector.broker.serverTime()
                            let head = Terminal.styled("apium workers  \(now.iso8601)  Ctrl-C", .dim)
                            return [head] + Self.table(workers, now, language).lines()
                        }
                    }
                    let workers = try await inspector.workers()
                    if json { return CommandOutput.json(.array(workers.map(\.json))) }
                    Self.table(workers, try await connection.broker.serverTime(), language).write()
                    if workers.isEmpty { CommandOutput.complain("no worker of Apium is registered") }
                }
            }
        }

        private static func table(_ workers: [WorkerReport], _ now: Timestamp, _ language: Language) -> TextTable {
            var table = TextTable("NAME", "PID", "IN FLIGHT", "LEASE", "UP", "QUEUES")
            for report in workers {
                let worker = report.worker
                table.add(
                    [
                        worker.name, "\(worker.pid)", "\(report.inFlight.count)", report.isRenewing ? "renewed" : "SILENT",
                        worker.started.map { language.text(now - $0) } ?? "–", worker.queues.joined(separator: ","),
                    ], report.isRenewing ? nil : .red)
            }
            return table
        }
    }

    /// `apium workers show NAME`.
    public struct Show: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(
            abstract: "Show one worker: its queues, the jobs it knows and those that it holds.",
            discussion: """
                Examples:
                  apium workers show apium@host
                  apium workers show 0b5c7d1e

                Exit code 2 when there is no such worker.
                """)
        @OptionGroup var connection: OperatorOptions
        @Argument(help: "The node name, or the beginning of the incarnation.") var name: String
        @Flag(help: "Print JSON.") var json = false
        public init() {}

        public func run() async throws {
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let workers = try await connection.inspector.workers(named: name)
                    if json { CommandOutput.json(.array(workers.map(\.json))) }
                    guard !workers.isEmpty else {
                        CommandOutput.complain("no worker '\(name)' is registered")
                        throw CommandOutput.notThere
                    }
                    if !json { workers.forEach(write) }
                }
            }
        }

        private func write(_ report: WorkerReport) {
            let worker = report.worker
            CommandOutput.line(Terminal.strong(Terminal.plain(worker.name)))
            var table = TextTable("", "")
            table.add("incarnation", worker.incarnation)
            table.add("process", "\(worker.pid) on \(worker.host)")
            table.add("lease", "\(worker.lease.inSeconds) s, " + (report.isRenewing ? "renewed" : "SILENT: lost unless it renews"))
            table.add("started", worker.started?.iso8601 ?? "–")
            table.add("queues", worker.queues.joined(separator: ", "))
            table.add("knows", worker.jobs.joined(separator: ", "))
            for job in report.inFlight { table.add(job.activity.name, "\(job.id ?? "?") \(job.task ?? "") from \(job.queue)") }
            for line in table.lines().suffix(table.rows.count) { CommandOutput.line("  " + line) }
        }
    }
}
