import ApiumCore
import DynamicJSON
import Glibc
import Logging
import ServiceLifecycle
import Synchronization
import Tracing

/// The worker's side of a child process: runs what it is handed, one job at a time, until it is told to end.
///
/// ```swift
/// if ChildMode.isChild {
///     let server = try ChildServer(client: apium, registry: registry, name: name, logger: logger)
///     try await server.run()
/// }
/// ```
///
/// The process is prepared as the worker's own: the same registry, the same services. It claims nothing.
public final class ChildServer: Service {
    private let client: ApiumClient
    private let registry: JobRegistry
    private let name: String
    private let acceptedContent: AcceptedContent
    private let logger: Logger
    private let link: ParentLink
    private let state = Mutex(State())

    private struct State {
        var runs: [UInt64: Running] = [:]
        var questions: [UInt64: CheckedContinuation<ChildAnswer, Never>] = [:]
        var nextQuestion: UInt64 = 1
    }

    private struct Running {
        var task: Task<Void, Never>?
        var limits: JobLimits
    }

    /// Takes the channel to the worker: once in a process.
    ///
    /// - Parameters:
    ///   - name: the worker's node name.
    ///   - acceptedContent: what the worker accepts. Default: JSON alone.
    /// - Throws: ``ApiumError`` `notAvailable` when the process is no child.
    public init(client: ApiumClient, registry: JobRegistry, name: String, acceptedContent: AcceptedContent = .json, logger: Logger) throws {
        guard let link = ParentLink() else {
            throw ApiumError(.notAvailable, "this process is no child of a worker: \(ChildMode.variable) does not name a channel")
        }
        var logger = logger
        logger[metadataKey: "worker"] = "\(name)"
        self.client = client
        self.registry = BuiltinTasks.adding(to: registry)
        self.name = name
        self.acceptedContent = acceptedContent
        self.logger = logger
        self.link = link
    }

    /// Serves until the worker tells the process to end. When the worker is gone the process ends at once.
    public func run() async throws {
        link.send(.ready(pid: getpid()))
        for await frame in link.frames {
            switch frame {
            case .run(let order): start(order)
            case .cancel(let number, let reason): cancel(number, reason)
            case .answer(_, let question, let answer): state.withLock { $0.questions.removeValue(forKey: question) }?.resume(returning: answer)
            case .stop: return
            }
        }
    }

    /// How deep values may be nested that go to the worker: the frame around them is some levels more.
    private static let depth = 900

    private static func tooDeep(_ what: String) -> ApiumError { ApiumError(.badResult, "\(what) is nested deeper than \(depth) levels") }

    // MARK: Runs

    private func start(_ order: ChildRun) {
        let limits = JobLimits()
        state.withLock { $0.runs[order.number] = Running(limits: limits) }
        let task = Task {
            let outcome = await outcome(of: order, limits)
            state.withLock { $0.runs[order.number] = nil }
            link.send(.done(order.number, outcome: outcome, residentKiB: 0))
        }
        let mustStop = state.withLock { state -> Bool in
            state.runs[order.number]?.task = task
            return limits.mustStop || limits.softLimitHasPassed
        }
        if mustStop { task.cancel() }
    }

    private func cancel(_ number: UInt64, _ reason: CancelReason) {
        guard let run = state.withLock({ $0.runs[number] }) else { return }
        run.limits.raise(reason == .softLimit ? .soft : .stop)
        run.task?.cancel()
    }

    /// Runs the job: its value, or what it threw.
    private func outcome(of order: ChildRun, _ limits: JobLimits) async -> JSONValue {
        var policy = RetryPolicy.never
        var retries = 0
        do {
            let message = try Message(decoding: order.payload, accepting: acceptedContent)
            retries = message.headers.retries
            guard let entry = registry[message.task] else {
                throw ApiumError(.notAvailable, "the child process knows no job named \(message.task), though its worker does; both prepare the same registry")
            }
            policy = entry.options.retry
            let value = try await asJob(message) {
                try await entry.run(try message.arguments(accepting: acceptedContent), context(of: order, message, limits))
            }
            guard value.isShallow(Self.depth) else { throw Self.tooDeep("the result") }
            return ["value": value]
        } catch {
            let thrown = ThrownError(error, policy: policy, retries: retries).json
            return ["thrown": thrown.isShallow(Self.depth) ? thrown : ThrownError(Self.tooDeep("what the job threw"), policy: .never, retries: 0).json]
        }
    }

    /// The run's span is the worker's; what the job does belongs to it.
    private func asJob(_ message: Message, _ body: () async throws -> JSONValue) async throws -> JSONValue {
        try await CurrentJob.$message.withValue(message) {
            guard let tracing = JobTracing.current else { return try await body() }
            return try await ServiceContext.withValue(tracing.context(of: message)) { try await body() }
        }
    }

    private func context(of order: ChildRun, _ message: Message, _ limits: JobLimits) -> JobContext {
        JobContext(
            message: message, queue: order.queue, fence: order.fence, worker: name, logger: logger, client: client,
            services: RemoteServices(
                ask: { try await self.ask($0, order.number) }, tell: { self.tell($0, order.number) }),
            limits: limits)
    }

    private func tell(_ question: ChildQuestion, _ run: UInt64) {
        // The worker would take the whole child for garbage.
        guard question.json.isShallow(Self.depth) else {
            return logger.error("what the job tells its worker is nested too deep and is not told", metadata: ["levels": "\(Self.depth)"])
        }
        link.send(.ask(run, question: 0, question))
    }

    /// - Throws: ``ApiumError`` `badResult` when the question does not fit into a frame, and what the worker answers.
    private func ask(_ question: ChildQuestion, _ run: UInt64) async throws -> JSONValue {
        guard question.json.isShallow(Self.depth) else { throw Self.tooDeep("what the job asks of its worker") }
        let answer = await withCheckedContinuation { continuation in
            let number = state.withLock { state in
                defer { state.nextQuestion += 1 }
                state.questions[state.nextQuestion] = continuation
                return state.nextQuestion
            }
            link.send(.ask(run, question: number, question))
        }
        return try answer.get()
    }
}

extension JSONValue {
    /// Whether nothing is nested deeper than so many levels.
    func isShallow(_ levels: Int) -> Bool {
        switch self {
        case .array(let elements): levels > 0 && elements.allSatisfy { $0.isShallow(levels - 1) }
        case .object(let members): levels > 0 && members.values.allSatisfy { $0.isShallow(levels - 1) }
        default: true
        }
    }
}
