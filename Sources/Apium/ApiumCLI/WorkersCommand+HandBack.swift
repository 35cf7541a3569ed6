import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

extension WorkersCommand {
    /// `apium workers handback`.
    struct HandBack: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "handback", abstract: "Take the jobs of a worker of Apium away that hangs, and give them back to their queues at once.",
            discussion: """
                The process loses its lease, alive or not: what it still runs ends without effect, and it is told to cancel that as soon as it hears of it.
                Its jobs go to the front of their queues, in order, and no crash is counted; those that were acknowledged before their run end as
                WorkerLostError and are among the dead. What it holds is counted first; on a terminal you are asked then, and a script says --yes.

                Examples:
                  apium workers handback apium@host
                  apium workers handback 0b5c7d1e --yes

                Exit code 2 when there is no such worker.
                """)
        @OptionGroup var connection: OperatorOptions
        @Argument(help: "The node name, or the beginning of the incarnation.") var name: String
        @OptionGroup var bulk: BulkOptions
        @Flag(help: "Print JSON: whether it was done, and by incarnation how many jobs were returned and ended.") var json = false

        func run() async throws {
            let language = connection.language
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let workers = try await connection.broker.registeredWorkers().filter { $0.name == name || $0.incarnation.hasPrefix(name) }
                    guard !workers.isEmpty else {
                        CommandOutput.complain("no worker '\(name)' is registered")
                        throw CommandOutput.notThere
                    }
                    let meant = Set(workers.map(\.incarnation))
                    let count = try await connection.broker.flights(limit: 100_000).count { meant.contains($0.incarnation) }
                    guard try await isWanted(count, language) else {
                        if json { return CommandOutput.json(["requeued": false, "jobs": .int(Int64(count))]) }
                        return CommandOutput.line(JobVerb.requeue.wouldBeDone(count, in: language))
                    }
                    var answers: [String: JSONValue] = [:]
                    for worker in workers {
                        let result = try await connection.broker.handBack(from: worker.incarnation)
                        let (returned, ended) = (result?.returned ?? 0, result?.ended ?? 0)
                        answers[worker.incarnation] = ["name": .string(worker.name), "returned": .int(Int64(returned)), "ended": .int(Int64(ended))]
                        if !json { CommandOutput.line("\(Terminal.plain(worker.name))\t\(returned) returned, \(ended) ended") }
                    }
                    if json { CommandOutput.json(["requeued": true, "workers": .object(answers)]) }
                }
            }
        }

        private func isWanted(_ count: Int, _ language: Language) async throws -> Bool {
            if bulk.dryRun { return false }
            if bulk.yes { return true }
            guard Terminal.isInteractive, !json else { return false }
            guard await Terminal.confirms(JobVerb.requeue.question(count, in: language)) else { throw ExitCode.success }
            return true
        }
    }
}
