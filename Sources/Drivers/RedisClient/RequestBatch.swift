import NIOCore

/// The commands of one call, waiting for as many replies: one continuation per batch.
struct RequestBatch: Sendable {
    /// Who is told: a task, or code on the event loop.
    enum Completion: Sendable {
        case continuation(UnsafeContinuation<[RESPValue], any Error>)
        case promise(EventLoopPromise<[RESPValue]>)
        /// The rest of a batch whose scripts had to be sent again; see `RequestBatch.repaired`.
        indirect case repair(Completion, replies: [RESPValue], indices: [Int])

        func succeed(_ replies: [RESPValue]) {
            switch self {
            case .continuation(let continuation): continuation.resume(returning: replies)
            case .promise(let promise): promise.succeed(replies)
            case .repair(let original, var merged, let indices):
                for (index, reply) in zip(indices, replies) { merged[index] = reply }
                original.succeed(merged)
            }
        }

        func fail(_ error: any Error) {
            switch self {
            case .continuation(let continuation): continuation.resume(throwing: error)
            case .promise(let promise): promise.fail(error)
            case .repair(let original, _, _): original.fail(error)
            }
        }
    }

    /// Unique within the connection, for cancellation.
    let id: UInt64
    /// How many replies it gets.
    let size: Int
    /// When the waiter gives up.
    let deadline: NIODeadline
    /// When it was handed to the socket.
    var sentAt: NIODeadline = .distantPast
    /// Whether it has arguments of ``OutgoingBytes/shared`` and more: it may take a while to be sent.
    var isLong = false
    /// The commands of the batch that run scripts, with their places.
    let scripts: [(index: Int, command: RedisCommand)]
    /// Nil once the waiter has given up; the replies are then read and dropped, so that later ones meet their own waiters.
    var completion: Completion?

    init(id: UInt64, commands: [RedisCommand], deadline: NIODeadline, scriptsBySource: Bool, completion: Completion?) {
        self.id = id
        size = commands.count
        self.deadline = deadline
        self.scripts = scriptsBySource ? [] : commands.indices.compactMap { commands[$0].script == nil ? nil : ($0, commands[$0]) }
        self.completion = completion
    }

    /// The script commands that the server refused as unknown (and therefore has not run), with their places.
    func unknownScripts(_ replies: [RESPValue]) -> [(index: Int, command: RedisCommand)] {
        scripts.filter { replies[$0.index].error?.code == "NOSCRIPT" }
    }
}
