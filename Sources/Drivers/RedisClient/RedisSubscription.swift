/// A message that was published to a channel.
public struct RedisMessage: Sendable, Hashable {
    /// The channel it was published to.
    public var channel: String
    /// The pattern by which it came, or nil if the channel itself is subscribed to.
    public var pattern: String?
    /// The bytes that were published.
    public var payload: [UInt8]

    /// A message of these parts.
    public init(channel: String, pattern: String? = nil, payload: [UInt8]) {
        self.channel = channel
        self.pattern = pattern
        self.payload = payload
    }
}

/// What a listener hears.
public enum RedisSubscriptionEvent: Sendable, Hashable {
    /// A message.
    case message(RedisMessage)
    /// Messages may have been lost: the connection broke and is back, with everything subscribed again, or the listener's
    /// buffer was full. Whoever follows a state must read it again now.
    case gap
}

/// Holds a subscription; it ends with `cancel()`, or when nobody holds this any more.
public final class RedisSubscription: Sendable {
    private let end: @Sendable () -> Void

    init(_ end: @escaping @Sendable () -> Void) { self.end = end }

    /// Ends the subscription. No event is delivered after the call, save one that is being delivered. Harmless when repeated.
    public func cancel() { end() }

    deinit { end() }
}
