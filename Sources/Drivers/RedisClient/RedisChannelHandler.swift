import NIOCore

/// The event loop's half of a connection: writes what the queue collected, matches replies to waiters in order, and watches deadlines.
///
/// Redis answers in the order of the commands, so the oldest waiting batch owns the next reply. Confined to the event loop.
final class RedisChannelHandler: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias OutboundOut = ByteBuffer

    private let queue: RequestQueue
    private let decoder: RESPDecoder
    /// How long the server may be silent while something waits, before the connection counts as dead.
    private let silenceLimit: TimeAmount
    /// Whether a server that refuses to write, because it has become a replica, is of no use any more.
    private let endsWhenReadOnly: Bool
    private var waiting = CircularBuffer<RequestBatch>()
    /// What the oldest waiting batch has got so far: here and not in the batch, so that the list grows in place.
    private var replies: [RESPValue] = []
    private var context: ChannelHandlerContext?
    private var lastRead: NIODeadline = .distantPast
    /// What is on its way out, as it was seen when deadlines were last looked at.
    private var outgoing = OutgoingProgress()
    private var timer: (at: NIODeadline, scheduled: Scheduled<Void>)?
    private var closeReason: RedisClientError?
    /// Whether callers may read, too, so that the event loop reads only when something waits.
    private var readsOnDemand = false
    private var closeListeners: [@Sendable (RedisClientError) -> Void] = []
    /// Takes the messages and confirmations of a subscribed connection; nil on an ordinary one.
    var onPush: (@Sendable (RESPValue) -> Void)?

    init(queue: RequestQueue, silenceLimit: TimeAmount, endsWhenReadOnly: Bool = false) throws {
        self.queue = queue
        self.silenceLimit = silenceLimit
        self.endsWhenReadOnly = endsWhenReadOnly
        self.decoder = try RESPDecoder()
    }

    func handlerAdded(context: ChannelHandlerContext) { self.context = context }

    func handlerRemoved(context: ChannelHandlerContext) { self.context = nil }

    // MARK: Writing

    /// Writes all that was enqueued since the last flush.
    func flush() {
        let taken = queue.takeAll()
        guard let context, closeReason == nil else {
            let error = closeReason ?? RedisClientError(.connectionClosed, "the connection is closed")
            taken.handedOver?.batch.completion?.fail(error.seenBy(written: true))
            for batch in taken.batches { batch.completion?.fail(error) }
            return
        }
        let now = NIODeadline.now()
        if let (batch, exchange) = taken.handedOver.map({ ($0.batch, $0.exchange) }) {
            expect(batch, since: now)
            if exchange.unsent.readableBytes > 0 { context.write(wrapOutboundOut(exchange.unsent), promise: nil) }
        }
        for batch in taken.batches { expect(batch, since: now) }
        for piece in taken.pieces { context.write(wrapOutboundOut(piece), promise: nil) }
        context.flush()
        if readsOnDemand, !waiting.isEmpty { context.read() }
        if let received = taken.handedOver?.exchange.received, !received.isEmpty { received.withUnsafeBytes(read) }
    }

    private func expect(_ batch: RequestBatch, since now: NIODeadline) {
        var batch = batch
        batch.sentAt = now
        waiting.append(batch)
        watch(until: batch.deadline)
    }

    /// Lets callers have the socket while nothing is under way, from the next time on at which nothing is; see `PromptLine`. The socket is then
    /// read when something is waited for, and at no other time.
    func openLine() {
        guard let context, closeReason == nil, !readsOnDemand else { return }
        let socket = try? context.channel.pipeline.syncOperations.withUnsafeTransportIfAvailable(of: NIOBSDSocket.Handle.self) { PromptSocket(of: $0) }
        guard let socket, let socket, (try? context.channel.syncOptions?.setOption(.autoRead, value: false)) != nil else { return }
        readsOnDemand = true
        queue.openLine(socket)
        if waiting.isEmpty { queue.noteQuiet() } else { context.read() }
    }

    /// Lets a waiter go with `error`; its replies will be dropped when they come.
    func abandon(_ id: UInt64, _ error: any Error) {
        if let completion = queue.abandon(id) { return completion.fail(error) }
        guard let index = waiting.firstIndex(where: { $0.id == id }), let completion = waiting[index].completion else { return }
        waiting[index].completion = nil
        completion.fail(error)
    }

    // MARK: Reading

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        unwrapInboundIn(data).withUnsafeReadableBytes(read)
    }

    func channelReadComplete(context: ChannelHandlerContext) {
        if readsOnDemand, closeReason == nil { if waiting.isEmpty { queue.noteQuiet() } else { context.read() } }
        context.fireChannelReadComplete()
    }

    private func read(_ bytes: UnsafeRawBufferPointer) {
        lastRead = .now()
        do {
            try decoder.decode(bytes, receive)
        } catch let error as RedisClientError {
            close(error)
        } catch {
            close(RedisClientError(.protocolViolation, "the server's answer can't be read", underlying: error))
        }
    }

    private func receive(_ reply: RESPValue) throws {
        if let onPush, reply.isPush || waiting.isEmpty { return onPush(reply) }
        guard !waiting.isEmpty else {
            // A caller's answer: the event loop reads it only when the connection ends.
            if queue.isLineInUse { throw RedisClientError(.connectionClosed, "the server closed the connection") }
            throw RedisClientError(.protocolViolation, "the server sent \(reply.kind) though no command was waiting")
        }
        let size = waiting[waiting.startIndex].size
        if replies.isEmpty { replies.reserveCapacity(size) }
        replies.append(reply)
        if replies.count == size {
            let batch = waiting.removeFirst()
            let whole = replies
            replies = []
            finish(batch, whole)
        }
        if endsWhenReadOnly, reply.saysReadOnly {
            close(RedisClientError(.connectionClosed, "the server is a replica by now; the master is another one"))
        }
    }

    private func finish(_ batch: RequestBatch, _ replies: [RESPValue]) {
        guard let completion = batch.completion else { return }
        let unknown = batch.unknownScripts(replies)
        guard !unknown.isEmpty else { return completion.succeed(replies) }
        resend(unknown, of: batch, replies, completion)
    }

    /// The server doesn't know these scripts, so it has not run them: send their text, and merge the replies into their places.
    private func resend(
        _ unknown: [(index: Int, command: RedisCommand)], of batch: RequestBatch, _ replies: [RESPValue], _ completion: RequestBatch.Completion
    ) {
        let commands = unknown.map(\.command)
        let rest = RequestBatch(
            id: batch.id, commands: commands, deadline: batch.deadline, scriptsBySource: true,
            completion: .repair(completion, replies: replies, indices: unknown.map(\.index)))
        switch queue.enqueue(commands, batch: rest, scriptsBySource: true) {
        case .queued: break
        case .queuedFirst: flush()
        case .refused(let error): completion.fail(error.seenBy(written: replies.count > unknown.count))
        }
    }

    // MARK: Deadlines

    /// One timer for all: set to the earliest deadline, and moved only when something earlier comes.
    private func watch(until deadline: NIODeadline) {
        if let timer, timer.at <= deadline { return }
        timer?.scheduled.cancel()
        guard let context else { return }
        let handler = NIOLoopBound(self, eventLoop: context.eventLoop)
        timer = (deadline, context.eventLoop.scheduleTask(deadline: deadline) { handler.value.checkDeadlines() })
    }

    private func checkDeadlines() {
        timer = nil
        let now = NIODeadline.now()
        var next = NIODeadline.distantFuture
        outgoing.note((try? context?.channel.syncOptions?.getOption(.bufferedWritableBytes)) ?? 0, at: now)
        for index in waiting.indices {
            guard let completion = waiting[index].completion else { continue }
            if waiting[index].deadline <= now, isMoving(waiting[index], isFirst: index == waiting.startIndex, at: now) {
                next = min(next, now + .nanoseconds(silenceLimit.nanoseconds / 4))
            } else if waiting[index].deadline <= now {
                waiting[index].completion = nil
                completion.fail(RedisClientError(.timedOut, "no reply came in time", mayHaveBeenSent: true))
            } else {
                next = min(next, waiting[index].deadline)
            }
        }
        guard let head = waiting.first else { return }
        // A late reply alone is no reason to drop the others' commands; a server that says nothing at all is.
        let dead = max(head.deadline, max(head.sentAt, lastRead, outgoing.moved) + silenceLimit)
        if dead <= now {
            return close(RedisClientError(.timedOut, "the server did not answer within \(silenceLimit.nanoseconds / 1_000_000) ms"))
        }
        watch(until: min(next, dead))
    }

    /// Whether the bytes of a command or of its answer are on their way: they may take longer than a server may take to answer, and who gave it up
    /// would send all of it again, as often as it takes as long.
    private func isMoving(_ batch: RequestBatch, isFirst: Bool, at now: NIODeadline) -> Bool {
        guard now < batch.sentAt + Self.longestTransfer else { return false }
        if batch.isLong, now < outgoing.moved + silenceLimit { return true }
        return isFirst && decoder.isInsideReply && now < lastRead + silenceLimit
    }

    /// What takes longer than this is given up though it moves.
    private static let longestTransfer = TimeAmount.minutes(10)

    // MARK: Closing

    func channelInactive(context: ChannelHandlerContext) {
        close(RedisClientError(.connectionClosed, "the server closed the connection"))
        context.fireChannelInactive()
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        close(RedisClientError(.connectionClosed, "the connection failed", underlying: error))
    }

    /// Fails every waiter with `error` and closes the socket; the first reason given is the one that counts.
    func close(_ error: RedisClientError) {
        guard closeReason == nil else { return }
        closeReason = error
        timer?.scheduled.cancel()
        timer = nil
        for batch in queue.close(error) { batch.completion?.fail(error.seenBy(written: false)) }
        // Servers that take no more clients say so, and close.
        let said = replies.lazy.compactMap(\.error).first.map { RedisClientError(error.code, error.message, underlying: error.underlying ?? $0) }
        for (place, batch) in waiting.enumerated() { batch.completion?.fail((place == 0 ? said ?? error : error).seenBy(written: true)) }
        waiting.removeAll()
        replies = []
        context?.close(promise: nil)
        for listener in closeListeners { listener(error) }
        closeListeners = []
        onPush = nil
    }

    /// Calls `listener` once with the reason when the connection closes, at once if it is closed already.
    func onClose(_ listener: @escaping @Sendable (RedisClientError) -> Void) {
        if let closeReason { listener(closeReason) } else { closeListeners.append(listener) }
    }
}

/// Whether what was written to a connection goes out.
private struct OutgoingProgress {
    private var left = 0
    /// When less, or more, was left than before.
    private(set) var moved = NIODeadline.distantPast

    mutating func note(_ left: Int, at now: NIODeadline) {
        if left != self.left { moved = now }
        self.left = left
    }
}

extension RESPValue {
    /// Whether a command, or one of a transaction, was refused because the server is a replica.
    fileprivate var saysReadOnly: Bool {
        switch self {
        case .error(let error): error.says("READONLY")
        case .array(let elements): elements.contains { $0.error?.says("READONLY") ?? false }
        default: false
        }
    }

    /// Whether this is a message or a confirmation that a subscribed connection gets unasked.
    fileprivate var isPush: Bool {
        guard case .array(let elements) = self, elements.count >= 3, case .bulk(let kind) = elements[0] else { return false }
        return Self.pushKinds.contains(kind)
    }

    private static let pushKinds = Set(["message", "pmessage", "subscribe", "psubscribe", "unsubscribe", "punsubscribe"].map { Array($0.utf8) })
}
