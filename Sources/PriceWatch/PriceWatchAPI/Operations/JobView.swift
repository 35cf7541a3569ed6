import ApiumCore
import DynamicJSON

/// A job as the API shows it.
struct JobView: Encodable, Sendable, SchemaProviding {
    var id: String
    var state: String
    /// What the job returned.
    var result: JSONValue?
    /// Why it failed.
    var error: String?

    enum CodingKeys: String, CodingKey {
        case id, state, result, error, links
    }

    /// A job of which nothing is stored yet, or nothing any more.
    init(pending id: String) {
        self.id = id
        state = JobState.pending.rawValue
    }

    /// A job's stored document.
    init(_ document: ResultDocument) {
        id = document.id
        state = document.state.rawValue
        if document.state.isException {
            error = (JobFailure(value: document.result)?.description ?? document.state.rawValue).prefixed(2000)
        } else if document.state.isReady {
            result = document.result
        }
    }

    static func path(_ id: String) -> String { "/api/v1/jobs/\(id)" }

    func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: CodingKeys.self)
        try container.encode(id, forKey: .id)
        try container.encode(state, forKey: .state)
        try container.encodeIfPresent(result, forKey: .result)
        try container.encodeIfPresent(error, forKey: .error)
        try container.encode(["self": Self.path(id), "result": Self.path(id) + "/result"], forKey: .links)
    }

    static let schemaName = "Job"
    static let schemaDescription = "A job, its state and, once it has ended, its result or why it failed."
    static var schema: Schema {
        .object([
            .required("id", .string(StringRule(length: 1...255, alphabet: .any))),
            .required(
                "state", .string(StringRule(length: 1...64, alphabet: .any)),
                "Celery's words: PENDING (waiting or unknown), STARTED, RETRY, SUCCESS, FAILURE, REVOKED."),
            .optional("result", .any, "What the job returned."),
            .optional("error", .string(StringRule(length: 0...2048, alphabet: .any)), "Why it failed."),
            .required(
                "links",
                .object([
                    .required("self", .string(StringRule(length: 1...512, alphabet: .any))),
                    .required("result", .string(StringRule(length: 1...512, alphabet: .any))),
                ])),
        ])
    }
}

extension String {
    /// The first `length` characters.
    func prefixed(_ length: Int) -> String { count > length ? String(prefix(length)) : self }
}

/// 202 with a job that has not ended, or 200 with one that has.
enum JobOutput: OperationOutput {
    case accepted(JobView)
    case ended(JobView)

    static var replies: [ReplyDescription] {
        [
            .json(202, "The job is enqueued or under way.", .named(JobView.self), headers: [("Location", "Where to ask for it.")]),
            .json(200, "The job has ended.", .named(JobView.self)),
        ]
    }

    var answer: Answer {
        get throws {
            switch self {
            case .accepted(let job): try Self.accepted(job)
            case .ended(let job): Answer(status: 200, body: .json(try JSONValueEncoder().encode(job)))
            }
        }
    }

    static func accepted(_ job: JobView) throws -> Answer {
        Answer(status: 202, body: .json(try JSONValueEncoder().encode(job)), headers: ["Location": JobView.path(job.id)])
    }
}
