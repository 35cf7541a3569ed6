import ApiumCore
import DynamicJSON
import PriceWatchJobs
import PriceWatchModel

/// What the API does with jobs: it enqueues them, waits for them and cancels them.
struct JobDesk: Sendable {
    var client: ApiumClient
    var ownership: JobOwnership
    /// What a client is told to wait when a queue is full. Default: 5 seconds.
    var fullQueueWait = Duration.seconds(5)

    /// How long a job that was asked for under a key is not enqueued again.
    static let keyLife = Duration.hours(1)

    /// Enqueues a typed job of the service, once for a key, and answers its handle: that of the first enqueue, if there was one.
    func enqueue<Definition: JobDefinition>(_ job: Definition, key: String) async throws -> JobHandle<Definition.Output> {
        try await translating {
            try await client.enqueue(
                job,
                .with {
                    $0.id = ownership.id(ofKey: key)
                    $0.conditions.onceWithin = Self.keyLife
                })
        }
    }

    /// Enqueues a typed job for a caller and answers its handle.
    func enqueue<Definition: JobDefinition>(_ job: Definition, for caller: Caller) async throws -> JobHandle<Definition.Output> {
        try await translating {
            try await client.enqueue(job, .with { $0.id = ownership.makeID(for: caller) })
        }
    }

    /// The job as it stands, after waiting until it has ended or the time has passed.
    func view(_ id: String, waiting wait: Duration?) async throws -> JobOutput {
        let document: ResultDocument? = try await translating {
            if let wait, wait > .zero, let document = try await client.results.wait(for: id, within: wait) { return document }
            return try await client.results.document(for: id)
        }
        guard let document else { return .accepted(JobView(pending: id)) }
        return document.state.isReady ? .ended(JobView(document)) : .accepted(JobView(document))
    }

    /// The value of a job, or `nil` when it has not ended in time.
    func value<Output>(of handle: JobHandle<Output>, within wait: Duration) async throws -> Output? {
        do {
            return try await handle.value(within: wait)
        } catch let error as ApiumError where error.code == .timedOut {
            return nil
        } catch let failure as JobFailure {
            throw APIError(.unavailable, "the job \(handle.id) did not end well (\(failure.type)); try again")
        } catch let error as ApiumError {
            throw APIError(error)
        }
    }

    /// Cancels a job.
    func cancel(_ id: String) async throws {
        try await translating { try await client.revoke(id) }
    }

    func translating<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let full as QueueFull {
            throw APIError(.queueFull, "too many jobs wait in the queue \(full.queue); nothing was enqueued, try again later").retrying(after: fullQueueWait)
        } catch let error as ApiumError where error.code == .queueNotFound || error.code == .unroutable {
            throw APIError(.conflict, error.message.prefixed(4096), field: "options.queue")
        } catch let error as ApiumError {
            throw APIError(error)
        }
    }
}

extension APIError {
    /// What a client may know of a fault of the engine.
    init(_ error: ApiumError) {
        self =
            error.code == .unavailable || error.code == .timedOut
            ? APIError(.unavailable, "the job queue cannot be reached; nothing may be assumed of this request")
            : APIError(.internalError, "the job could not be handled")
    }
}

/// The body of `POST /api/v1/jobs`.
struct JobRequest: Decodable, Sendable, SchemaProviding {
    var task: String
    var args: [JSONValue]?
    var kwargs: [String: JSONValue]?
    var options: Options?

    struct Options: Decodable, Sendable {
        var queue: String?
        var countdown: Double?
        var expires: Double?
        var priority: Int?
        var taskID: String?

        enum CodingKeys: String, CodingKey {
            case queue, countdown, expires, priority
            case taskID = "task_id"
        }
    }

    static let schemaName = "JobRequest"
    static let schemaDescription = "A job by name, with its arguments and options."
    static var schema: Schema {
        .object([
            .required("task", .string(StringRule(length: 1...128, alphabet: .identifier)), "The job's name, for example pricewatch.check_price."),
            .optional("args", .array(.any, count: 0...32), "Positional arguments."),
            .optional("kwargs", .map(maxProperties: 64), "Keyword arguments."),
            .optional(
                "options",
                .object([
                    .optional(
                        "queue", .string(StringRule(length: 1...100, alphabet: .identifier)),
                        "The queue, instead of the job's own; one of those that the token may choose."),
                    .optional("countdown", .number(0...604_800), "Seconds to wait before the job may run."),
                    .optional("expires", .number(1...604_800), "Seconds after which the job is not run any more."),
                    .optional("priority", .integer(0...9), "0 is first."),
                    .optional(
                        "task_id", .string(StringRule(length: 1...128, alphabet: .identifier)),
                        "The job's id; a new one if none is given. An id that is known, by a request of the last day or by a result, is a conflict."),
                ])),
        ])
    }

    var enqueueOptions: EnqueueOptions {
        .with {
            $0.queue = options?.queue
            $0.delay = options?.countdown.flatMap { $0 > 0 ? .seconds($0) : nil }
            $0.expires = options?.expires.map { .seconds($0) }
            $0.priority = options?.priority
            $0.id = options?.taskID
            // A request that is sent again under its id finds the first one's job.
            if options?.taskID != nil { $0.conditions.onceWithin = .days(1) }
        }
    }
}

/// `/api/v1/jobs`.
struct JobOperations {
    var desk: JobDesk
    var gate: EnqueueGate

    private let id = PathInput("id", .string(StringRule(length: 1...255, alphabet: .identifier)), as: String.self, "The job's id.")

    init(desk: JobDesk, gate: EnqueueGate) {
        self.desk = desk
        self.gate = gate
    }

    var all: [Operation] { [enqueue, read, result, cancel] }

    private var enqueue: Operation {
        Operation(
            .post, "/api/v1/jobs", id: "enqueueJob", tag: "jobs", summary: "Enqueue a job by name",
            details: """
                Jobs of this deployment: \(gate.catalog.names.joined(separator: ", ")). A token may enqueue those that its allow list names, \
                by name or pattern, and choose the queues that it names; a new token's list is empty. What is refused is 403, with the token's \
                own list.
                """, scopes: [.jobs],
            errors: [.conflict, .queueFull], inputs: BodyInput(JobRequest.self), PreferInput()
        ) { call, request, wait in
            let caller = try call.requireCaller()
            try gate.check(request, by: caller)
            var options = request.enqueueOptions
            options.id = options.id ?? desk.ownership.makeID(for: caller)
            if let own = gate.catalog[request.task] {
                options.queue = options.queue ?? own.queue
                options.priority = options.priority ?? own.priority
            }
            let handle = try await desk.translating {
                try await desk.client.enqueue(task: request.task, args: request.args ?? [], kwargs: request.kwargs ?? [:], options)
            }
            if handle.wasKnown { throw APIError(.conflict, "there is a job with this id already", field: "options.task_id") }
            guard let wait, wait > .zero else { return .accepted(JobView(pending: handle.id)) as JobOutput }
            return try await desk.view(handle.id, waiting: wait)
        }
    }

    private var read: Operation {
        Operation(
            .get, "/api/v1/jobs/{id}", id: "getJob", tag: "jobs", summary: "Read a job's state",
            details: "An id that was never enqueued reads as PENDING, as in Celery: nothing is stored of a waiting job.", scopes: [.jobs, .write],
            errors: [.notFound], inputs: id
        ) { call, id in
            try desk.ownership.check(id, for: call.requireCaller())
            return switch try await desk.view(id, waiting: nil) {
            case .accepted(let job), .ended(let job): Found(job)
            }
        }
    }

    private var result: Operation {
        Operation(
            .get, "/api/v1/jobs/{id}/result", id: "getJobResult", tag: "jobs", summary: "Wait for a job's result",
            details: "200 when the job has ended, well or not; 202 when it has not within `wait` seconds.", scopes: [.jobs, .write], errors: [.notFound],
            inputs: id, OptionalQueryInput("wait", .integer(0...Int64(PreferInput.maximum)), as: Int.self, default: 0, "Seconds to wait.")
        ) { call, id, wait in
            try desk.ownership.check(id, for: call.requireCaller())
            return try await desk.view(id, waiting: .seconds(wait ?? 0))
        }
    }

    private var cancel: Operation {
        Operation(
            .delete, "/api/v1/jobs/{id}", id: "cancelJob", tag: "jobs", summary: "Cancel a job",
            details: "A waiting job never runs; a running one is told to stop. What has ended stays as it is.", scopes: [.jobs], errors: [.notFound],
            inputs: id
        ) { call, id in
            try desk.ownership.check(id, for: call.requireCaller())
            try await desk.cancel(id)
            return switch try await desk.view(id, waiting: nil) {
            case .accepted(let job), .ended(let job): JobOutput.accepted(job)
            }
        }
    }
}

extension Call {
    /// The caller of an operation that has scopes.
    func requireCaller() throws(APIError) -> Caller {
        guard let caller else { throw APIError(.unauthorized, "a bearer token is needed") }
        return caller
    }
}
