import NIOCore

/// A whole message: its fragments are joined, its mask is off.
public enum WebSocketMessage: Sendable, Hashable {
    /// Text; checked to be UTF-8.
    case text(String)
    /// Bytes.
    case binary(ByteBuffer)
}

/// Which side of the connection this process is; a client masks what it sends, a server must not (RFC 6455, 5.1).
public enum WebSocketRole: Sendable, Hashable {
    /// Connected.
    case client
    /// Was connected to.
    case server
}

/// How a connection ended.
public struct WebSocketClose: Sendable, Hashable, CustomStringConvertible {
    /// Why, as a number (RFC 6455, 7.4).
    public var code: Code
    /// Why, in words; at most 123 bytes travel.
    public var reason: String
    /// The other side said it, not this one.
    public var isRemote: Bool

    /// Makes an ending.
    public init(_ code: Code, reason: String = "", isRemote: Bool = false) {
        self.code = code
        self.reason = reason
        self.isRemote = isRemote
    }

    public var description: String { "\(code.rawValue)\(reason.isEmpty ? "" : " \(reason)") \(isRemote ? "by the other side" : "by this side")" }

    /// A close code.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The number on the wire.
        public var rawValue: UInt16
        /// Makes a code; 4000 to 4999 are an application's own.
        public init(rawValue: UInt16) { self.rawValue = rawValue }

        /// The purpose is fulfilled.
        public static let normal = Code(rawValue: 1000)
        /// The process goes away: a shutdown.
        public static let goingAway = Code(rawValue: 1001)
        /// The other side broke the protocol.
        public static let protocolError = Code(rawValue: 1002)
        /// A kind of message that is not taken.
        public static let unacceptableData = Code(rawValue: 1003)
        /// The close frame had no code; never sent.
        public static let noStatus = Code(rawValue: 1005)
        /// The connection broke without a close frame; never sent.
        public static let abnormal = Code(rawValue: 1006)
        /// Text that is not UTF-8.
        public static let invalidText = Code(rawValue: 1007)
        /// Against the rules of this server.
        public static let policyViolation = Code(rawValue: 1008)
        /// A message above the limit.
        public static let messageTooBig = Code(rawValue: 1009)
        /// A fault of the side that closes.
        public static let internalError = Code(rawValue: 1011)
        /// Come again later.
        public static let tryAgainLater = Code(rawValue: 1013)

        /// Whether the code may stand in a close frame: 1004 to 1006 and what is unassigned below 3000 may not.
        public var isSendable: Bool {
            switch rawValue {
            case 1000...1003, 1007...1014, 3000...4999: true
            default: false
            }
        }
    }
}
