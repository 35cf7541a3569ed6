/// What goes wrong in the framework itself; a job's own failures are ``JobFailure``.
public struct ApiumError: Error, Sendable, CustomStringConvertible {
    /// What kind of fault it is. New codes may come.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code's name.
        public var rawValue: String
        /// Makes a code.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The message is not one of Celery's, or is damaged.
        public static let malformedMessage = Code(rawValue: "malformed message")
        /// A content type, encoding or compression that is not accepted.
        public static let refusedContent = Code(rawValue: "refused content")
        /// A signature that does not count: its signer is unknown or out of date, or what was signed was changed.
        public static let badSignature = Code(rawValue: "bad signature")
        /// The arguments do not fit the job.
        public static let badArguments = Code(rawValue: "bad arguments")
        /// A value is out of bounds or contradictory.
        public static let invalidConfiguration = Code(rawValue: "invalid configuration")
        /// A queue that is not declared, where queues must be declared.
        public static let queueNotFound = Code(rawValue: "queue not found")
        /// A message that would reach no queue: nothing is bound to its exchange with its routing key.
        public static let unroutable = Code(rawValue: "unroutable")
        /// The broker cannot be reached; nothing may be assumed of what was under way.
        public static let unavailable = Code(rawValue: "unavailable")
        /// This server or set-up cannot do that.
        public static let notAvailable = Code(rawValue: "not available")
        /// A text that is longer than the broker takes: to send it again would not help.
        public static let tooLong = Code(rawValue: "too long")
        /// The broker's user may not do that: the server's administrator decides, not the program.
        public static let notPermitted = Code(rawValue: "not permitted")
        /// What was to be changed is no longer there, or was changed meanwhile: look at it again.
        public static let conflict = Code(rawValue: "conflict")
        /// The time to wait has passed.
        public static let timedOut = Code(rawValue: "timed out")
        /// Jobs that did not react to being stopped hold too many of a worker's slots.
        public static let slotsLost = Code(rawValue: "slots lost")
        /// The job's result is not what its type says.
        public static let badResult = Code(rawValue: "bad result")
    }

    /// The kind of fault.
    public var code: Code
    /// What was wrong, where, and what would be right; without secrets.
    public var message: String
    /// What lies under it.
    public var underlying: (any Error)?
    /// Where it was made.
    public var location: String

    /// Makes an error.
    public init(_ code: Code, _ message: String, underlying: (any Error)? = nil, fileID: String = #fileID, line: Int = #line) {
        self.code = code
        self.message = message
        self.underlying = underlying
        location = "\(fileID):\(line)"
    }

    public var description: String { underlying.map { "\(message) (\($0))" } ?? message }
}
