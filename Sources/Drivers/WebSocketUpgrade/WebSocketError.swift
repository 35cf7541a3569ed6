/// What goes wrong with a WebSocket.
public struct WebSocketError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of fault it is. New codes may come.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code's name.
        public var rawValue: String
        /// Makes a code.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// Not a `ws://host[:port]/path` address, or a header that cannot be sent.
        public static let invalidAddress = Code(rawValue: "invalid address")
        /// No connection.
        public static let unreachable = Code(rawValue: "unreachable")
        /// Connecting or the handshake took too long.
        public static let timedOut = Code(rawValue: "timed out")
        /// The server answered the handshake with another status than 101; ``WebSocketError/status`` has it.
        public static let refused = Code(rawValue: "refused")
        /// The server's answer is no WebSocket handshake.
        public static let handshakeFailed = Code(rawValue: "handshake failed")
        /// The connection is closed, or closing.
        public static let closed = Code(rawValue: "closed")
        /// The other side broke the protocol.
        public static let protocolViolation = Code(rawValue: "protocol violation")
        /// The other side has not answered two pings.
        public static let lost = Code(rawValue: "lost")
    }

    /// The kind of fault.
    public var code: Code
    /// What was wrong; without headers and their secrets.
    public var message: String
    /// The HTTP status of a refused handshake.
    public var status: Int?

    /// Makes an error.
    public init(_ code: Code, _ message: String, status: Int? = nil) {
        self.code = code
        self.message = message
        self.status = status
    }

    public var description: String { "\(code.rawValue): \(message)" }
}
