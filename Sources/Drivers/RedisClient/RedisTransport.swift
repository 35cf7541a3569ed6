import NIOCore

/// A socket with its queue and handler: what a connection is made of before it is authenticated.
struct RedisTransport: Sendable {
    let channel: any Channel
    let queue: RequestQueue
    let handler: NIOLoopBound<RedisChannelHandler>

    var eventLoop: any EventLoop { channel.eventLoop }

    /// Sends `commands` and waits for their replies. Cancelling the task ends the wait, not the commands.
    func run(_ commands: [RedisCommand], timeout: Duration, scriptsBySource: Bool = false) async throws -> [RESPValue] {
        guard !commands.isEmpty else { return [] }
        try Task.checkCancellation()
        let id = queue.makeID()
        return try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                enqueue(commands, id: id, timeout: timeout, scriptsBySource: scriptsBySource, .continuation(continuation))
            }
        } onCancel: {
            onHandler { $0.abandon(id, CancellationError()) }
        }
    }

    /// Sends one command on the calling thread while nothing else is under way, and reads its answer there if that comes at once; else as `run`.
    func runPromptly(_ command: RedisCommand, timeout: Duration) async throws -> RESPValue {
        try Task.checkCancellation()
        guard !eventLoop.inEventLoop, command.isShort, let line = queue.takeLine() else { return try await run([command], timeout: timeout)[0] }
        var request = OutgoingBytes()
        command.encode(into: &request)
        let exchange = line.socket.exchange(request.tail, patience: line.waits ? Self.patience : .zero)
        if let number = exchange.integer {
            let (mustFlush, shouldYield) = queue.giveLineBack()
            if mustFlush { eventLoop.execute { handler.value.flush() } }
            if shouldYield { await Task.yield() }
            return .integer(number)
        }
        let id = queue.makeID()
        let replies = try await withTaskCancellationHandler {
            try await withUnsafeThrowingContinuation { continuation in
                let batch = RequestBatch(
                    id: id, commands: [command], deadline: .now() + TimeAmount(timeout), scriptsBySource: false, completion: .continuation(continuation))
                if let error = queue.handLineOver(batch, exchange, waited: line.waits) { return continuation.resume(throwing: error) }
                eventLoop.execute { handler.value.flush() }
            }
        } onCancel: {
            onHandler { $0.abandon(id, CancellationError()) }
        }
        return replies[0]
    }

    /// About what the changes of threads take that it saves.
    private static let patience = TimeAmount.microseconds(100)

    /// Sends `commands`; the future completes on this transport's event loop.
    func submit(_ commands: [RedisCommand], timeout: Duration) -> EventLoopFuture<[RESPValue]> {
        guard !commands.isEmpty else { return eventLoop.makeSucceededFuture([]) }
        let promise = eventLoop.makePromise(of: [RESPValue].self)
        enqueue(commands, id: queue.makeID(), timeout: timeout, scriptsBySource: false, .promise(promise))
        return promise.futureResult
    }

    private func enqueue(
        _ commands: [RedisCommand], id: UInt64, timeout: Duration, scriptsBySource: Bool, _ completion: RequestBatch.Completion
    ) {
        let deadline = NIODeadline.now() + TimeAmount(timeout)
        let batch = RequestBatch(id: id, commands: commands, deadline: deadline, scriptsBySource: scriptsBySource, completion: completion)
        schedule(queue.enqueue(commands, batch: batch, scriptsBySource: scriptsBySource)) { completion.fail($0) }
    }

    /// Sends commands whose replies come as pushes (SUBSCRIBE and its kin). Lost silently if the connection is closed: its
    /// owner learns that from `onClose`.
    func sendUnanswered(_ commands: [RedisCommand]) {
        schedule(queue.enqueueUnanswered(commands)) { _ in }
    }

    private func schedule(_ outcome: RequestQueue.Outcome, refused: (RedisClientError) -> Void) {
        switch outcome {
        case .queued: break
        case .queuedFirst: eventLoop.execute { handler.value.flush() }
        case .refused(let error): refused(error)
        }
    }

    /// Runs `body` with the handler on the event loop.
    func onHandler(_ body: @escaping @Sendable (RedisChannelHandler) -> Void) {
        eventLoop.execute { body(handler.value) }
    }

    func close() {
        onHandler { $0.close(RedisClientError(.shutdown, "the connection was closed by its owner")) }
    }
}
