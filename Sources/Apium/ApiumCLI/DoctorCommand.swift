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

    @OptionGroup var connection: OperatorOptions
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
        let language = connection.language
        for treatment in treatments {
            let word = treatment.isChanged ? Wording("repaired", "исправлено") : Wording("left as it is", "оставлено как есть")
            CommandOutput.line(Terminal.plain("\(word.text(in: language)): \(treatment.finding.seen.text(in: language))"))
        }
        for finding in diagnosis.findings {
            CommandOutput.line("\(finding.severity.word(in: language)) \(Terminal.strong(finding.code)): \(Terminal.plain(finding.seen.text(in: language)))")
            CommandOutput.line("  \(Terminal.plain(finding.consequence.text(in: language)))")
            if let cure = finding.repair, repair == dryRun {
                let word = dryRun ? Wording("would", "сделало бы") : Wording("can", "может")
                CommandOutput.line("  --repair \(word.text(in: language)): \(cure.text(in: language))")
            }
        }
        CommandOutput.line(diagnosis.verdict.text(in: language))
    }
}

extension Finding.Severity {
    /// The severity as a word, in its colour.
    fileprivate func word(in language: Language) -> String {
        switch self {
        case .error: Terminal.alarming(language == .russian ? "ошибка" : "error")
        case .warning: Terminal.styled(language == .russian ? "внимание" : "warning", .yellow)
        case .notice: language == .russian ? "к сведению" : "notice"
        }
    }
}

extension Diagnosis {
    /// How much was looked at, and whether it is in order.
    fileprivate var verdict: Wording {
        Wording(
            "\(jobs) jobs and \(keys) keys looked at\(isComplete ? "" : "; there is more than it looks at"): \(isHealthy ? "healthy" : "not in order")",
            "просмотрено задач: \(jobs), ключей: \(keys)\(isComplete ? "" : "; есть и больше"): \(isHealthy ? "всё в порядке" : "не в порядке")")
    }
}
