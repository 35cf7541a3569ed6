import NIOCore
import Synchronization

/// The subscriber's shared part: the table under a lock, and the present connection's socket.
///
/// SUBSCRIBE and UNSUBSCRIBE are handed to the socket while the lock is held, so they reach the server in the order in which
/// the table changed. Handlers and promises are called outside it.
final class SubscriptionHub: Sendable {
    private struct State {
        var table = SubscriptionTable()
        var transport: RedisTransport?
    }

    private let state = Mutex(State())

    func add(
        _ names: [SubscriptionTable.Name], _ promise: EventLoopPromise<Void>, ended: @escaping @Sendable () -> Void,
        _ handler: @escaping SubscriptionTable.Handler
    ) -> UInt64 {
        state.withLock { state in
            let (id, subscribe) = state.table.add(names, promise, ended: ended, handler)
            Self.send("SUBSCRIBE", subscribe, state.transport)
            return id
        }
    }

    /// Removes a listener; if it was not established yet, its promise fails with `error`.
    func remove(_ id: UInt64, _ error: any Error = CancellationError()) {
        let promise = state.withLock { state in
            let (unsubscribe, promise) = state.table.remove(id)
            Self.send("UNSUBSCRIBE", unsubscribe, state.transport)
            return promise
        }
        promise?.fail(error)
    }

    /// On the event loop of `connection`.
    func connected(_ connection: RedisConnection) {
        let transport = connection.transport
        transport.handler.value.onPush = { self.received($0) }
        state.withLock { state in
            state.transport = transport
            Self.send("SUBSCRIBE", state.table.connectionMade(), transport)
        }
    }

    func failed(_ error: any Error) {
        let promises = state.withLock { state in
            state.transport = nil
            return state.table.connectionFailed()
        }
        for promise in promises { promise.fail(error) }
    }

    /// There will be no connection any more: whoever listens hears nothing else.
    func ended(_ error: any Error) {
        let (promises, listeners) = state.withLock { state in
            state.transport = nil
            return (state.table.connectionFailed(), state.table.removeAll())
        }
        for promise in promises { promise.fail(error) }
        for listener in listeners { listener.ended() }
    }

    /// There is no connection and none is being made: a listener that waits for its first one need not wait longer. One that was
    /// established meanwhile stays.
    func failedToConnect(_ id: UInt64, _ error: any Error) {
        let waits = state.withLock { $0.table.listeners[id]?.established != nil }
        if waits { remove(id, error) }
    }

    private static func send(_ verb: String, _ names: [SubscriptionTable.Name], _ transport: RedisTransport?) {
        guard let transport, !names.isEmpty else { return }
        // One by one: a command that names one which the user may not have is refused whole.
        transport.sendUnanswered(
            names.map { name in
                switch name {
                case .channel(let text): RedisCommand(verb, text)
                case .pattern(let text): RedisCommand("P" + verb, text)
                }
            })
    }

    private func received(_ push: RESPValue) {
        if let error = push.error { return refused(error) }
        guard let elements = push.array, elements.count >= 3, let kind = elements[0].string, let name = elements[1].string else { return }
        switch kind {
        case "message": deliver(.channel(name), RedisMessage(channel: name, pattern: nil, payload: elements[2].bytes ?? []))
        case "pmessage" where elements.count >= 4:
            deliver(.pattern(name), RedisMessage(channel: elements[2].string ?? "", pattern: name, payload: elements[3].bytes ?? []))
        case "subscribe": confirm(.channel(name))
        case "psubscribe": confirm(.pattern(name))
        case "unsubscribe": state.withLock { $0.table.ended(.channel(name)) }
        case "punsubscribe": state.withLock { $0.table.ended(.pattern(name)) }
        default: break
        }
    }

    /// As to a user without the right to a channel.
    private func refused(_ error: RedisServerError) {
        let (established, gaps) = state.withLock { state in
            let (unsubscribe, established, gaps) = state.table.refused()
            Self.send("UNSUBSCRIBE", unsubscribe, state.transport)
            return (established, gaps)
        }
        for promise in established { promise.fail(error) }
        for handler in gaps { handler(.gap) }
    }

    private func deliver(_ name: SubscriptionTable.Name, _ message: RedisMessage) {
        for handler in state.withLock({ $0.table.handlers(of: name) }) { handler(.message(message)) }
    }

    private func confirm(_ name: SubscriptionTable.Name) {
        let (established, gaps) = state.withLock { $0.table.confirmed(name) }
        for promise in established { promise.succeed() }
        for handler in gaps { handler(.gap) }
    }
}
