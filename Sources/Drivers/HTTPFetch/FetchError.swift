/// Why a fetch gave no response. The texts name the host and what would be right; they never hold a path, a query, a header or
/// a body, since any of those may be a secret.
public struct FetchError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it was. Codes may be added.
    public struct Code: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
        /// The code's word.
        public let rawValue: String
        /// Makes a code.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The code's word.
        public var description: String { rawValue }

        /// The address policy refuses the name, the address or the port.
        public static let refusedAddress = Code(rawValue: "refusedAddress")
        /// The text is not an address that may be fetched.
        public static let badURL = Code(rawValue: "badURL")
        /// The scheme is neither http nor https.
        public static let unsupportedScheme = Code(rawValue: "unsupportedScheme")
        /// A header or a limit of the request makes no sense.
        public static let badRequest = Code(rawValue: "badRequest")
        /// The name has no address.
        public static let nameNotResolved = Code(rawValue: "nameNotResolved")
        /// Nobody answers at the address.
        public static let connectFailed = Code(rawValue: "connectFailed")
        /// The connection ended before the response did.
        public static let connectionLost = Code(rawValue: "connectionLost")
        /// The certificate or the handshake was not acceptable.
        public static let tls = Code(rawValue: "tls")
        /// The time limit passed.
        public static let timedOut = Code(rawValue: "timedOut")
        /// Body or headers are larger than the limit.
        public static let tooLarge = Code(rawValue: "tooLarge")
        /// More redirects than the limit.
        public static let tooManyRedirects = Code(rawValue: "tooManyRedirects")
        /// The answer is not HTTP, or cannot be decoded.
        public static let badResponse = Code(rawValue: "badResponse")
        /// The task was cancelled.
        public static let cancelled = Code(rawValue: "cancelled")
        /// The fetcher was shut down.
        public static let closed = Code(rawValue: "closed")
        /// libcurl could not be set up: out of memory or of handles.
        public static let system = Code(rawValue: "system")
    }

    /// What kind of failure it was.
    public let code: Code
    /// One sentence for a person.
    public let message: String
    /// Where the error was made.
    public let fileID: String
    /// Where the error was made.
    public let line: Int

    /// Makes an error.
    public init(_ code: Code, _ message: String, fileID: String = #fileID, line: Int = #line) {
        self.code = code
        self.message = message
        self.fileID = fileID
        self.line = line
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
