import ApiumCore
import Logging

/// Changes of the queues that a worker serves: asked for at once, done a little later, in order.
final class QueueOperations: Sendable {
    enum Operation: Sendable {
        case serve(QueueBinding)
        case leave(String)
    }

    private let stream: AsyncStream<Operation>
    private let continuation: AsyncStream<Operation>.Continuation
    private let status: WorkerStatus
    private let logger: Logger

    init(_ status: WorkerStatus, logger: Logger) {
        self.status = status
        self.logger = logger
        (stream, continuation) = AsyncStream.makeStream(of: Operation.self)
    }

    func add(_ operation: Operation) {
        status.operationsChanged(by: 1)
        continuation.yield(operation)
    }

    /// Does what is asked for until the task is cancelled. A session that cannot be told now is opened with the new queues when it is
    /// opened again.
    func run() async {
        for await operation in stream {
            if perform(operation) {
                do {
                    try await status.session?.serve(status.queues, binding: status.bindings)
                } catch {
                    logger.error("the queues could not be changed", metadata: ["queues": "\(status.queues)", "error": "\(error)"])
                }
            }
            status.operationsChanged(by: -1)
        }
    }

    /// Whether anything changes.
    private func perform(_ operation: Operation) -> Bool {
        switch operation {
        case .serve(let binding): status.add(binding)
        case .leave(let queue): status.remove(queue)
        }
    }
}
