import Synchronization

/// What a listener of a channel gets.
public enum PostgresNotification: Sendable, Hashable {
    /// Listening begins now, or again after the connection broke: what was sent before may have been missed.
    case listening(channel: String)
    /// A `NOTIFY` arrived.
    case received(channel: String, payload: String)

    /// The channel's name.
    public var channel: String {
        switch self {
        case .listening(let channel), .received(let channel, _): channel
        }
    }
}

extension PostgresClient {
    /// Listens to a channel until the sequence is no longer read; reconnects by itself, and says so with `.listening`.
    ///
    /// A listener that falls more than 1,024 notifications behind loses the oldest.
    public func notifications(on channel: String) -> AsyncStream<PostgresNotification> {
        let id = nextID()
        let (stream, continuation) = AsyncStream.makeStream(of: PostgresNotification.self, bufferingPolicy: .bufferingNewest(1024))
        let door = door
        continuation.onTermination = { _ in door.leave(.unsubscribe(channel: channel, id: id)) }
        if !door.leave(.subscribe(Subscription(id: id, channel: channel, continuation: continuation))) { continuation.finish() }
        return stream
    }
}
