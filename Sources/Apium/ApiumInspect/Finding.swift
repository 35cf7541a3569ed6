import ApiumCore
import DynamicJSON

/// Something that is not as it should be, or that somebody should know.
public struct Finding: Sendable, Hashable {
    /// How bad it is.
    public var severity: Severity
    /// What it is in a word or two, the same for ever: `eviction-policy`.
    public var code: String
    /// What was seen.
    public var summary: String
    /// What it means, and what to do.
    public var meaning: String
    /// What `--repair` does about it; `nil`: nothing, a person decides.
    public var repair: Repair?

    /// Makes a finding.
    init(_ severity: Severity, _ code: String, _ summary: String, meaning: String, repair: Repair? = nil) {
        self.severity = severity
        self.code = code
        self.summary = summary
        self.meaning = meaning
        self.repair = repair
    }

    /// How bad a finding is.
    public enum Severity: String, Sendable, Hashable, CaseIterable {
        /// Jobs are lost, stuck or doubled, or will be.
        case error
        /// It will hurt some day.
        case warning
        /// Good to know; the system is healthy all the same.
        case notice
    }

    /// What can be done without a person's judgement, because it loses nothing.
    public enum Repair: Sendable, Hashable {
        /// Puts a fault of the keys right.
        case fault(KeyFault)
        /// Does the shared duties once: moves what is due, returns what lost workers held, restores what Celery's workers left.
        case duties

        /// The repair as words.
        public var text: String {
            switch self {
            case .duties: "do the duties of a janitor: move what is due, return what the lost held"
            case .fault(.unownedFlight), .fault(.unregisteredBatch): "note the process as lost and return its messages to their queues"
            case .fault(.strayMarks), .fault(.strayWorkerRecord): "delete the key"
            case .fault(.idsWithoutMessage): "remove the ids"
            case .fault(.messagesWithoutID): "name the messages again: those that wait for their time are due at once"
            case .fault: "nothing"
            }
        }
    }

    /// The finding for programs.
    public var json: JSONValue {
        [
            "severity": .string(severity.rawValue), "code": .string(code), "summary": .string(summary), "meaning": .string(meaning),
            "repair": (repair?.text).json,
        ]
    }
}

/// What a doctor found.
public struct Diagnosis: Sendable, Hashable {
    /// The findings, the worst first.
    public var findings: [Finding]
    /// How many jobs were looked at.
    public var jobs: Int
    /// How many keys were looked at.
    public var keys: Int
    /// Whether all was looked at; else there is more than the bounds allow.
    public var isComplete: Bool

    /// Whether nothing worse than a notice was found.
    public var isHealthy: Bool { findings.allSatisfy { $0.severity == .notice } }

    /// The diagnosis for programs.
    public var json: JSONValue {
        [
            "healthy": .bool(isHealthy), "complete": .bool(isComplete), "jobs": .int(Int64(jobs)), "keys": .int(Int64(keys)),
            "findings": .array(findings.map(\.json)),
        ]
    }
}
