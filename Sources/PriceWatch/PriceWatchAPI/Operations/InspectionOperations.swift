import ApiumCore
import ApiumInspect
import DynamicJSON

/// `/api/v1/jobs/{id}/explain` and `/api/v1/doctor`: the answers of `apium explain` and `apium doctor`.
struct InspectionOperations {
    var desk: JobDesk
    var inspector: Inspector
    private let diagnoses: DiagnosisDesk

    private let id = PathInput("id", .string(StringRule(length: 1...255, alphabet: .identifier)), as: String.self, "The job's id.")

    private let language = OptionalQueryInput("lang", .choice(["en", "ru"]), as: String.self, default: "en", "The language of what is written for people.")

    init(desk: JobDesk, inspector: Inspector) {
        self.desk = desk
        self.inspector = inspector
        diagnoses = DiagnosisDesk(inspector: inspector)
    }

    var all: [Operation] { [explain, doctor] }

    private var explain: Operation {
        Operation(
            .get, "/api/v1/jobs/{id}/explain", id: "explainJob", tag: "jobs", summary: "Say why a job does not run, or what happened to it",
            details: "Where the job is, where else, and what keeps it from running. An id that nobody knows is answered, too: its standing is `unknown`.",
            scopes: [.jobs], errors: [.notFound], inputs: id,
            language
        ) { call, id, language in
            try desk.ownership.check(id, for: call.requireCaller())
            let explanation = try await desk.translating { try await inspector.explain(id) }
            return Found(ExplanationView(explanation, Self.language(language)))
        }
    }

    private var doctor: Operation {
        Operation(
            .get, "/api/v1/doctor", id: "diagnose", tag: "operations", summary: "Look whether everything is in order",
            details: """
                The server, the workers, the jobs, the chords, the keys; it changes nothing, and takes some seconds. Those who ask within five seconds \
                get one answer. Not for a token of one chat.
                """,
            scopes: [.jobs], inputs: language
        ) { call, language in
            guard try call.requireCaller().chatID == nil else { throw APIError(.forbidden, "a token of one chat may not look at the whole system") }
            return Found(DiagnosisView(try await desk.translating { try await diagnoses.diagnosis() }, Self.language(language)))
        }
    }
}

extension InspectionOperations {
    fileprivate static func language(_ code: String?) -> ApiumInspect.Language { code == "ru" ? .russian : .english }
}

/// One look at everything for all who ask at about the same time: it reads much, and tokens may ask often.
actor DiagnosisDesk {
    private let inspector: Inspector
    private let life: Duration
    private var latest: (value: Diagnosis, until: ContinuousClock.Instant)?
    private var looking: Task<Diagnosis, any Error>?

    /// - Parameter life: how long a look is shown to others.
    init(inspector: Inspector, life: Duration = .seconds(5)) {
        self.inspector = inspector
        self.life = life
    }

    func diagnosis() async throws -> Diagnosis {
        if let latest, latest.until > .now { return latest.value }
        if let looking { return try await looking.value }
        let task = Task { [inspector] in try await inspector.diagnose() }
        looking = task
        defer { looking = nil }
        let value = try await task.value
        latest = (value, .now + life)
        return value
    }
}

/// Why a job does not run, or what happened to it.
struct ExplanationView: Encodable, Sendable, SchemaProviding {
    var id: String
    var task: String?
    var at: String
    var text: String
    var standing: JSONValue
    var others: JSONValue
    var obstacles: JSONValue
    var gaps: JSONValue

    init(_ explanation: Explanation, _ language: ApiumInspect.Language) {
        id = explanation.id
        task = explanation.task
        at = explanation.at.iso8601
        text = explanation.text(in: language).prefixed(8000)
        let json = explanation.json
        (standing, others, obstacles, gaps) = (
            json["standing"] ?? .null, json["others"] ?? [], json["obstacles"] ?? [], .array(explanation.gaps.prefix(100).map(\.json))
        )
    }

    static let schemaName = "Explanation"
    static let schemaDescription = "Where a job is and what keeps it from running, as words and for programs."
    static var schema: Schema {
        .object([
            .required("id", .string(StringRule(length: 1...255, alphabet: .any))),
            .optional("task", .string(StringRule(length: 0...65_536, alphabet: .any)), "The job's name, where it is known."),
            .required("at", .string(StringRule(length: 1...64, alphabet: .any)), "When it was looked, ISO 8601."),
            .required("text", .string(StringRule(length: 1...8192, alphabet: .any)), "The answer for people, a line for each part."),
            .required(
                "standing", .map(maxProperties: 32),
                """
                Where the job is: `kind` is ready, scheduled, retry, held, in-flight, joining, dead, parked, quarantine, waits-for-parts, follows, revoked, \
                ended, told, out-of-sight or unknown; the other members are of that kind.
                """),
            .required("others", .array(.map(maxProperties: 32), count: 0...1000), "Where else it is."),
            .required("obstacles", .array(.map(maxProperties: 8), count: 0...100), "What keeps it from running, each with its `kind`."),
            .required(
                "gaps", .array(.map(maxProperties: 8), count: 0...100),
                "What could not be looked at, because the API's Redis user may not: `kind` is queue-not-readable, with its `queue`, or workers-not-asked."),
        ])
    }
}

/// What a doctor found.
struct DiagnosisView: Encodable, Sendable, SchemaProviding {
    var healthy: Bool
    var complete: Bool
    var jobs: Int
    var keys: Int
    var findings: [Item]

    struct Item: Encodable, Sendable {
        var severity: String
        var code: String
        var summary: String
        var meaning: String
        var repair: String?
    }

    init(_ diagnosis: Diagnosis, _ language: ApiumInspect.Language) {
        healthy = diagnosis.isHealthy
        complete = diagnosis.isComplete
        jobs = diagnosis.jobs
        keys = diagnosis.keys
        findings = diagnosis.findings.map {
            Item(
                severity: $0.severity.rawValue, code: $0.code, summary: $0.seen.text(in: language).prefixed(8000),
                meaning: $0.consequence.text(in: language).prefixed(8000), repair: $0.repair?.text(in: language))
        }
    }

    static let schemaName = "Diagnosis"
    static let schemaDescription = "What is not as it should be, the worst first."
    static var schema: Schema {
        let text = Schema.string(StringRule(length: 0...8192, alphabet: .any))
        return .object([
            .required("healthy", .boolean, "Whether nothing worse than a notice was found."),
            .required("complete", .boolean, "Whether all was looked at; else there is more than the bounds allow."),
            .required("jobs", .integer(0...Int64.max), "How many jobs were looked at."), .required("keys", .integer(0...Int64.max), "How many keys."),
            .required(
                "findings",
                .array(
                    .object([
                        .required("severity", .choice(Finding.Severity.allCases.map(\.rawValue))),
                        .required("code", text, "What it is, the same for ever: `eviction-policy`."), .required("summary", text, "What was seen."),
                        .required("meaning", text, "What it means, and what to do."), .optional("repair", text, "What `apium doctor --repair` does about it."),
                    ]), count: 0...100_000)),
        ])
    }
}
