import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

/// `apium doctor`: whether everything is in order.
public struct DoctorCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "doctor", abstract: "Look whether everything is in order, and repair what is safe to repair.",
        discussion: """
            Looks at the server (version, persistence, eviction, memory, replicas, clock), the workers, the jobs (each in one place, none of a lost
            worker, none overdue), the chords, the keys (each with an owner and an end) and what Celery's workers left. It looks at 10,000 jobs of
            each queue and 200,000 keys at most, and says so when there are more. Takes half a lease, to see whether workers renew theirs.

            --repair does what loses nothing: returns what lost workers held, moves what is overdue, puts halves of records together, deletes
            remains. With --dry-run it only says what it would do.

            Examples:
              apium doctor
              apium doctor --json | jq -r '.findings[] | select(.severity == "error") | .code'
              apium doctor --repair --dry-run
              apium doctor --repair

            Exit code 0: healthy (notices are no findings); 1: there are findings, with --repair: still after the repair; 2: it cannot look.
            """)

    @OptionGroup var connection: ConnectionOptions
    @Flag(help: "Repair what is safe to repair, and look again.") var repair = false
    @Flag(help: "With --repair: only say what it would do.") var dryRun = false
    @Flag(help: "Print JSON.") var json = false

    public init() {}

    public func validate() throws {
        if dryRun && !repair { throw ValidationError("--dry-run goes with --repair") }
    }

    /// The codes of this command; scripts rely on them.
    private static let findings = ExitCode(1)
    private static let cannotLook = ExitCode(2)

    public func run() async throws {
        do {
            try await connection.withConnection { connection in
                let inspector = connection.inspector
                var diagnosis = try await inspector.diagnose()
                var treatments: [Inspector.Treatment] = []
                if repair && !dryRun {
                    treatments = try await inspector.repair(diagnosis)
                    diagnosis = try await inspector.diagnose()
                }
                json ? write(json: diagnosis, treatments) : write(diagnosis, treatments)
                if !diagnosis.isHealthy { throw Self.findings }
            }
        } catch let error as ApiumError {
            CommandOutput.complain("apium: \(error)")
            throw Self.cannotLook
        }
    }

    private func write(json diagnosis: Diagnosis, _ treatments: [Inspector.Treatment]) {
        guard case .object(var members) = diagnosis.json else { return }
        members["repaired"] = .array(treatments.filter(\.isChanged).map { .string($0.finding.code) })
        CommandOutput.json(.object(members))
    }

    private func write(_ diagnosis: Diagnosis, _ treatments: [Inspector.Treatment]) {
        for treatment in treatments {
            CommandOutput.line(Terminal.plain("\(treatment.isChanged ? "repaired" : "left as it is"): \(treatment.finding.summary)"))
        }
        for finding in diagnosis.findings {
            let word = finding.severity == .error ? Terminal.alarming("error") : finding.severity.rawValue
            CommandOutput.line("\(word) \(Terminal.strong(finding.code)): \(Terminal.plain(finding.summary))")
            CommandOutput.line("  \(Terminal.plain(finding.meaning))")
            if let cure = finding.repair, repair == dryRun { CommandOutput.line("  --repair \(dryRun ? "would" : "can"): \(cure.text)") }
        }
        let bounds = diagnosis.isComplete ? "" : "; there is more than it looks at"
        CommandOutput.line("\(diagnosis.jobs) jobs and \(diagnosis.keys) keys looked at\(bounds): \(diagnosis.isHealthy ? "healthy" : "not in order")")
    }
}
