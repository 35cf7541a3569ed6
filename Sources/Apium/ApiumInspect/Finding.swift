import ApiumCore
import DynamicJSON

/// A sentence in both languages.
public struct Wording: Sendable, Hashable {
    /// In English.
    public var english: String
    /// In Russian.
    public var russian: String

    /// Makes a sentence.
    public init(_ english: String, _ russian: String) {
        self.english = english
        self.russian = russian
    }

    /// In one of the languages.
    public func text(in language: Language) -> String { language.of(english, russian) }
}

/// Something that is not as it should be, or that somebody should know.
public struct Finding: Sendable, Hashable {
    /// How bad it is.
    public var severity: Severity
    /// What it is in a word or two, the same for ever: `eviction-policy`.
    public var code: String
    /// What was seen.
    public var seen: Wording
    /// What it means, and what to do.
    public var consequence: Wording
    /// What `--repair` does about it; `nil`: nothing, a person decides.
    public var repair: Repair?

    /// What was seen, in English.
    public var summary: String { seen.english }
    /// What it means, and what to do, in English.
    public var meaning: String { consequence.english }

    /// Makes a finding.
    init(_ severity: Severity, _ code: String, _ seen: Wording, meaning: Wording, repair: Repair? = nil) {
        self.severity = severity
        self.code = code
        self.seen = seen
        consequence = meaning
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
        /// Ends the locks of jobs that are nowhere any more.
        case locks([UniqueLockRow])
        /// Takes bindings of Celery's nodes to remote control away.
        case bindings([String])
        /// Gives results the end that they should have.
        case results([String])

        /// The repair as words, in English.
        public var text: String { text(in: .english) }

        /// The repair as words.
        public func text(in language: Language) -> String {
            switch self {
            case .duties:
                language.of(
                    "do the duties of a janitor: move what is due, return what the lost held",
                    "выполнить обязанности дежурного: передать наступившее, вернуть взятое погибшими")
            case .locks(let rows): language.of("end \(rows.count) locks", "снять блокировки: \(rows.count)")
            case .bindings(let nodes): language.of("take \(nodes.count) bindings away", "убрать привязки: \(nodes.count)")
            case .fault(.overdueBindings): language.of("delete the table", "удалить таблицу")
            case .fault(.endlessReplies): language.of("give it an end", "дать ему срок")
            case .results(let ids): language.of("let \(ids.count) results end as new ones do", "дать результатам обычный срок: \(ids.count)")
            case .fault(.unownedFlight), .fault(.unregisteredBatch):
                language.of("note the process as lost and return its messages to their queues", "отметить процесс погибшим и вернуть его сообщения в очереди")
            case .fault(.strayPermits): language.of("give the permits back", "вернуть разрешения")
            case .fault(.strayMarks), .fault(.strayWorkerRecord): language.of("delete the key", "удалить ключ")
            case .fault(.idsWithoutMessage): language.of("remove the ids", "убрать номера")
            case .fault(.messagesWithoutID):
                language.of(
                    "name the messages again: those that wait for their time are due at once",
                    "дать сообщениям номера: ждавшие своего времени выполнятся сразу")
            case .fault(.endless): language.of("give it an end", "дать ему срок")
            case .fault: language.of("nothing", "ничего")
            }
        }
    }

    /// The finding for programs, its sentences in English.
    public var json: JSONValue { json(in: .english) }

    /// The finding for programs, its sentences in a language.
    public func json(in language: Language) -> JSONValue {
        [
            "severity": .string(severity.rawValue), "code": .string(code), "summary": .string(seen.text(in: language)),
            "meaning": .string(consequence.text(in: language)), "repair": (repair?.text(in: language)).json,
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
