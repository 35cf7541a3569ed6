/// One connection for everything that is listened to.
extension PoolLoop {
    func dialListening() {
        guard !subscriptions.isEmpty, shutdownDeadline == nil, mayDial(.listening), listening == nil else { return }
        dial(.listening)
    }

    private var listening: PooledConnection? { connections.values.first { $0.role == .listening } }

    func subscribe(_ subscription: Subscription) {
        let isNew = subscriptions[subscription.channel] == nil
        subscriptions[subscription.channel, default: [:]][subscription.id] = subscription
        if activeChannels.contains(subscription.channel) {
            subscription.continuation.yield(.listening(channel: subscription.channel))
        } else if isNew, let listening, listening.phase == .ready {
            listen(subscription.channel, on: listening)
        }
    }

    /// The server goes on sending a channel that nobody listens to until the connection is closed; `deliver` drops it.
    func unsubscribe(_ channel: String, _ id: UInt64) {
        subscriptions[channel]?[id] = nil
        guard subscriptions[channel]?.isEmpty == true else { return }
        subscriptions[channel] = nil
        if subscriptions.isEmpty, let listening { drop(listening, cancelling: false) }
    }

    func listen(_ channel: String, on connection: PooledConnection) {
        let query: PostgresQuery = "listen \(identifier: channel)"
        let operation = Operation(
            id: 0, kind: .statement(text: query.text, query.parameters, isCacheable: false), lease: nil, deadline: .max, continuation: nil)
        connection.listens.append(channel)
        guard connection.send(operation, now: now, cacheLimit: 0) else { return lose(connection, connection.handle?.complaint ?? "closed") }
    }

    func confirmListening(_ entry: PooledConnection.InFlight, on connection: PooledConnection) {
        guard let channel = connection.listens.popFirst() else { return }
        if let error = entry.error { return lose(connection, error.message) }
        activeChannels.insert(channel)
        deliver([.listening(channel: channel)])
    }

    func deliver(_ notifications: [PostgresNotification]) {
        for notification in notifications {
            for listener in (subscriptions[notification.channel] ?? [:]).values { listener.continuation.yield(notification) }
        }
    }
}
