/// A failure on our side of the connection; what the server refuses is a `RedisServerError`.
public struct RedisClientError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure; more may be added.
    public struct Code: Sendable, Hashable, CustomStringConvertible {
        private let name: String
        private init(_ name: String) { self.name = name }
        /// The code's name.
        public var description: String { name }

        /// The address of the server can't be read.
        public static let invalidURL = Code("invalidURL")
        /// The address asks for something that this program can't do (TLS in a program that is built without).
        public static let notSupported = Code("notSupported")
        /// No connection could be made: refused, unknown host, no such socket, no answer in time.
        public static let connectFailed = Code("connectFailed")
        /// The encrypted connection could not be set up: a certificate or key is missing, damaged, or not trusted by the other side.
        public static let tlsFailed = Code("tlsFailed")
        /// The server refused user or password.
        public static let authenticationFailed = Code("authenticationFailed")
        /// The connection ended while the command waited.
        public static let connectionClosed = Code("connectionClosed")
        /// No reply came before the deadline.
        public static let timedOut = Code("timedOut")
        /// The server sent what isn't RESP2, or a reply to nothing.
        public static let protocolViolation = Code("protocolViolation")
        /// The client is between two attempts to connect.
        public static let unavailable = Code("unavailable")
        /// The client was shut down.
        public static let shutdown = Code("shutdown")
        /// The reply is of another type than the caller expects.
        public static let unexpectedReply = Code("unexpectedReply")
        /// EXEC answered null because a watched key had changed: nothing was executed.
        public static let transactionAborted = Code("transactionAborted")
    }

    /// What kind of failure.
    public var code: Code
    /// What was wrong, where, and what would be right. Holds no password and no data.
    public var message: String
    /// Whether the server may have executed the command. False means that repeating it is safe.
    public var mayHaveBeenSent: Bool
    /// The error beneath, if any.
    public var underlying: (any Error)?

    /// An error of these parts; by default its command is known not to have been sent.
    public init(_ code: Code, _ message: String, mayHaveBeenSent: Bool = false, underlying: (any Error)? = nil) {
        self.code = code
        self.message = message
        self.mayHaveBeenSent = mayHaveBeenSent
        self.underlying = underlying
    }

    /// Code, message and the error beneath.
    public var description: String {
        let base = "\(code): \(message)"
        return underlying.map { "\(base) (\($0))" } ?? base
    }

    /// The same failure, seen by a command that was (or was not) written to the socket.
    func seenBy(written: Bool) -> RedisClientError {
        var copy = self
        copy.mayHaveBeenSent = written
        return copy
    }
}
