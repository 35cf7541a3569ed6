import Apium
import ApiumInspect
import ArgumentParser

/// `apium handback`: leaves everything to Celery's workers.
struct HandBackCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "handback", abstract: "Turn what only workers of Apium would run into plain messages of Celery's, so that its workers go on.",
        discussion: """
            What waits for its time goes to its queue with that time as ETA, which Celery's workers keep; what a limit or a pause holds back, and what was
            parked, goes to its queue. What lost workers of Apium held is returned first. What failed for good and what is in quarantine stays: look at it
            before. Pauses and limits mean nothing to Celery's workers.

            End the workers of Apium before (`apium workers drain --all`): they would take it all back.

            Examples:
              apium handback mails reports --dry-run
              apium handback --all
              apium handback --all --yes --json

            Exit code 1 while workers of Apium are up.
            """)

    @OptionGroup var connection: OperatorOptions
    @Argument(help: "The queues.") var queues: [String] = []
    @Flag(help: "All queues.") var all = false
    @OptionGroup var bulk: BulkOptions
    @Flag(help: "Print JSON: whether it was done, and the ids.") var json = false

    func validate() throws {
        if queues.isEmpty != all { throw ValidationError("name queues, or say --all") }
    }

    func run() async throws {
        var query = JobQuery()
        query.states = JobDesk.own
        let work = BulkWork(verb: .handBack, ids: [], query: query, queues: queues, bulk: bulk, json: json, language: connection.language)
        try await reportingFaults {
            try await connection.withConnection { connection in
                let inspector = connection.inspector
                if !bulk.dryRun {
                    // The dead are noticed here, and what they held is on its queues afterwards.
                    if try await !connection.broker.flights(limit: 1).isEmpty { _ = try await inspector.doDuties() }
                    let workers = try await connection.broker.registeredWorkers().map(\.name)
                    guard workers.isEmpty else {
                        CommandOutput.complain("workers of Apium are up, and would take it all back: \(Set(workers).sorted().joined(separator: ", "))")
                        throw CommandOutput.notAll
                    }
                }
                try await work.run(connection) { desk, row in try await desk.handBack(row) }
            }
        }
    }
}
