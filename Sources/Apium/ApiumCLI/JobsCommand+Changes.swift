import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

extension JobsCommand {
    /// `apium jobs cancel`.
    struct Cancel: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Cancel jobs: those that wait never run, those that run are told to stop.",
            discussion: """
                A cancelled job stays where it is until it is claimed, and ends as REVOKED then. The order is kept for 7 days, and who gave it.
                Chosen are jobs in flight, ready, held and scheduled, unless --state says otherwise.

                Examples:
                  apium jobs cancel 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e
                  apium jobs cancel --name 'report.*' --queue night --older-than 1d
                  apium jobs cancel --name 'report.*' --queue night --older-than 1d --yes
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: JobChoice
        @Option(name: .customLong("as"), help: "Who cancels, for whoever asks later. Default: the user and host.") var name: String?

        func validate() throws {
            if let shelf = choice.state.first(where: { $0.place.shelf != nil }) {
                throw ValidationError("\(shelf.place.rawValue) jobs do not wait to run: delete them with `apium \(shelf.place.rawValue) delete`")
            }
        }

        func run() async throws {
            let work = choice.work(.cancel, in: JobQuery().states, connection.language)
            try await reportingFaults {
                try await connection.withConnection { connection in
                    // An id may be revoked that is not there yet.
                    guard work.ids.isEmpty else {
                        if work.bulk.dryRun { return work.counted(work.ids) }
                        return try await cancel(work.ids, work, connection)
                    }
                    // A cancelled job stays until it is claimed: what is not chosen now would not be chosen the next time either.
                    var choice = try await work.everything(connection.inspector)
                    choice.rows.removeAll(where: \.id.isEmpty)
                    if try await work.isWanted(choice.rows) {
                        try await cancel(choice.rows.map(\.id), work, connection)
                    } else {
                        work.counted(choice.rows.map(\.id))
                    }
                    work.complain(choice)
                }
            }
        }

        /// Cancels jobs in portions: one step must not hold the server up. What was cancelled is said, whatever comes then.
        private func cancel(_ chosen: [String], _ work: BulkWork, _ connection: ApiumConnection) async throws {
            var done = 0
            defer {
                if done > 0 || chosen.isEmpty { write(Array(chosen.prefix(done)), work, isComplete: done == chosen.count) }
            }
            while done < chosen.count {
                let portion = Array(chosen[done..<min(done + 500, chosen.count)])
                try await connection.client.revoke(portion, by: name ?? OperatorOptions.operatorName)
                done += portion.count
            }
        }

        private func write(_ cancelled: [String], _ work: BulkWork, isComplete: Bool) {
            if work.json {
                return CommandOutput.json(["cancelled": true, "ids": .array(cancelled.map { .string($0) }), "complete": .bool(isComplete)])
            }
            CommandOutput.line(work.verb.wasDone(cancelled.count, in: work.language))
        }
    }

    /// `apium jobs retry`.
    struct Retry: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Run jobs again that failed or were set aside, or that wait to be retried: at once, and with all their attempts.",
            discussion: """
                Chosen are dead and quarantined jobs, unless --state says otherwise. Those that waited for a retry run now. An expiry that is over is taken
                away. The arguments and options below edit them on the way.

                Examples:
                  apium jobs retry 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e
                  apium jobs retry 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e --kwarg product=7
                  apium jobs retry --name 'shop.*' --younger-than 1h
                  apium jobs retry --state scheduled --name shop.pay --yes

                Exit code 1 when one that was named runs, or waits anyhow; 2 when it is not there.
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: JobChoice
        @OptionGroup(title: "Edits") var edits: EditOptions

        func run() async throws {
            let work = choice.work(.retry, in: [.dead, .quarantine], connection.language)
            try await reportingFaults {
                let edits = try edits.edits()
                try await connection.withConnection { try await work.run($0) { desk, row in try await desk.retry(row, edits.apply) } }
            }
        }
    }

    /// `apium jobs requeue`.
    struct Requeue: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Put jobs on their queue, or on another one, as they are.",
            discussion: """
                What waits for its time runs at once, what is in a queue goes to the back, what was set aside runs again with the attempts that it had.
                Chosen are scheduled jobs, unless --state says otherwise.

                Examples:
                  apium jobs requeue 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e
                  apium jobs requeue --state ready --queue slow --name mail.send --to fast
                  apium jobs requeue --state scheduled --name 'report.*' --yes

                Exit code 1 when one that was named runs; 2 when it is not there.
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: JobChoice
        @Option(help: "The queue they go to. Default: their own.") var to: String?

        func run() async throws {
            let work = choice.work(.requeue, in: [.scheduled], connection.language)
            try await reportingFaults {
                try await connection.withConnection { try await work.run($0) { desk, row in try await desk.requeue(row, to: to) } }
            }
        }
    }

    /// `apium jobs delete`.
    struct Delete: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Delete jobs: they never run, and nothing is stored.",
            discussion: """
                Whoever waits for the result waits in vain, and so does a chord; `apium jobs cancel` tells them. Chosen are jobs that are ready, held or
                scheduled, unless --state says otherwise. What runs is not deleted.

                Examples:
                  apium jobs delete 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e
                  apium jobs delete --name 'report.*' --queue night --dry-run
                  apium jobs delete --state dead --older-than 30d --yes

                Exit code 1 when one that was named runs; 2 when it is not there.
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: JobChoice

        func run() async throws {
            let work = choice.work(.delete, in: [.ready, .held, .scheduled], connection.language)
            try await reportingFaults {
                try await connection.withConnection { try await work.run($0) { desk, row in try await desk.delete(row) } }
            }
        }
    }

    /// `apium jobs edit`.
    struct Edit: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Edit jobs where they wait or were set aside.",
            discussion: """
                One job alone, without any edit, is opened in $VISUAL or $EDITOR as JSON. A job whose queue or priority is changed goes to the back of its
                queue, and waits for a time that is given. Chosen are jobs that are ready, held or scheduled, unless --state says otherwise.

                Examples:
                  apium jobs edit 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e
                  apium jobs edit 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e --kwargs '{"product": 7}' --eta 2030-01-01T00:00:00Z
                  apium jobs edit --name 'report.*' --queue night --to slow --priority 9
                  apium jobs edit --state dead --name shop.pay --kwarg currency='"EUR"' --yes

                Exit code 1 when one that was named runs or cannot be read; 2 when it is not there; 64 for a value that no job can have.
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: JobChoice
        @OptionGroup(title: "Edits") var edits: EditOptions

        func validate() throws {
            if !edits.isGiven && choice.ids.count != 1 { throw ValidationError("say what is to be edited; only one job alone is opened in an editor") }
        }

        func run() async throws {
            let work = choice.work(.edit, in: [.ready, .held, .scheduled], connection.language)
            try await reportingFaults {
                let edits = try edits.edits()
                try await connection.withConnection { connection in
                    guard self.edits.isGiven else { return try await byHand(work, connection) }
                    try await work.run(connection) { desk, row in try await desk.edit(row, edits.apply) }
                }
            }
        }

        /// Opens the job in an editor; what is saved is written if the job is still where and what it was.
        private func byHand(_ work: BulkWork, _ connection: ApiumConnection) async throws {
            try await work.run(connection) { desk, row in
                guard row.place != .inFlight else { return .refused(.running) }
                guard let job = try? EditableJob(row.payload, queue: row.queue) else { return .refused(.unreadable) }
                let edited = try await JobEditor.edit(job.json, id: row.id)
                return try await desk.edit(row) { try $0.apply(edited) }
            }
        }
    }
}
