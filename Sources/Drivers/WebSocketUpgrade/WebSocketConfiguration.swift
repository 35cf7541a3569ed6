/// The bounds of a session.
public struct WebSocketConfiguration: Sendable, Hashable {
    /// The largest message taken, in bytes; a larger one ends the session with 1009. Default: 1 MiB.
    public var maxMessageSize: Int
    /// How often the other side is asked whether it lives. Default: 20 seconds.
    public var pingInterval: Duration
    /// After so many unanswered pings in a row the connection is given up. Default: 2.
    public var missedPings: Int
    /// How long the other side may take to answer a close frame. Default: 5 seconds.
    public var closeTimeout: Duration
    /// Messages that may wait for the reader; above it nothing is read from the connection. Default: 16.
    public var bufferedMessages: Int
    /// How long a handshake may take, from the connection on; a client's connecting has as long again. Default: 10 seconds.
    public var handshakeTimeout: Duration

    /// Makes a configuration; the defaults are given at the properties.
    public init(
        maxMessageSize: Int = 1 << 20, pingInterval: Duration = .seconds(20), missedPings: Int = 2, closeTimeout: Duration = .seconds(5),
        bufferedMessages: Int = 16, handshakeTimeout: Duration = .seconds(10)
    ) {
        self.maxMessageSize = max(1, maxMessageSize)
        self.pingInterval = pingInterval
        self.missedPings = max(1, missedPings)
        self.closeTimeout = closeTimeout
        self.bufferedMessages = max(1, bufferedMessages)
        self.handshakeTimeout = handshakeTimeout
    }
}
