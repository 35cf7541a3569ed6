import ApiumCore
import Logging

/// Changes of the queues that a worker serves: asked for at once, done a little later, in order.
///
/// What is asked for is the worker's from then on, and the session follows it: it is told after each change, again when it could not be told,
/// and when it has been opened, for it was opened with the queues of a moment before.
final class QueueOperations: Sendable {
    enum Operation: Sendable {
        case serve(QueueBinding)
        case leave(String)
    }

    private enum Event: Sendable {
        case asked(Operation)
        /// The session is new, or could not be told.
        case look(isRetry: Bool)
    }

    private let stream: AsyncStream<Event>
    private let continuation: AsyncStream<Event>.Continuation
    private let status: WorkerStatus
    private let logger: Logger

    init(_ status: WorkerStatus, logger: Logger) {
        self.status = status
        self.logger = logger
        (stream, continuation) = AsyncStream.makeStream(of: Event.self)
    }

    func add(_ operation: Operation) {
        status.operationsChanged(by: 1)
        continuation.yield(.asked(operation))
    }

    /// A session is open.
    func sessionOpened() { continuation.yield(.look(isRetry: false)) }

    /// Does what is asked for until the task is cancelled. An operation is pending until the session, if there is one, has taken it over.
    func run() async {
        var pending = 0
        var isRetrying = false
        var delay = Self.firstDelay
        for await event in stream {
            switch event {
            case .asked(let operation):
                perform(operation)
                pending += 1
            case .look(let isRetry): if isRetry { isRetrying = false }
            }
            if await tellSession() {
                status.operationsChanged(by: -pending)
                (pending, delay) = (0, Self.firstDelay)
            } else if !isRetrying {
                isRetrying = true
                lookAgain(in: delay)
                delay = min(delay * 2, .seconds(1))
            }
        }
    }

    private static let firstDelay = Duration.milliseconds(50)

    private func perform(_ operation: Operation) {
        switch operation {
        case .serve(let binding): status.add(binding)
        case .leave(let queue): status.remove(queue)
        }
    }

    /// Tells the session what it serves, if that has changed; false when it could not be told.
    private func tellSession() async -> Bool {
        guard let session = status.session else { return true }
        let queues = status.served
        guard session.served != queues else { return true }
        do {
            try await session.serve(queues)
            return true
        } catch {
            logger.error("the queues could not be changed; trying again", metadata: ["queues": "\(queues.names)", "error": "\(error)"])
            return false
        }
    }

    private func lookAgain(in delay: Duration) {
        Task { [continuation] in
            try? await Task.sleep(for: delay)
            continuation.yield(.look(isRetry: true))
        }
    }
}

/// The queues that are served, in order, and what is declared for them.
struct ServedQueues: Sendable, Hashable {
    var names: [String]
    var bindings: [QueueBinding]
}
