/// What the last hop of a fetch answered. Any status is a response, 404 and 500 included; only what kept an answer from coming
/// whole is an error.
public struct FetchResponse: Sendable {
    /// The HTTP status.
    public var status: Int
    /// The header fields of the last hop.
    public var headers: FetchHeaders
    /// The body, decompressed, at most as long as the limit.
    public var body: [UInt8]
    /// The address that answered, after redirects. It may hold a secret in its path: use it, don't print it.
    public var effectiveURL: String

    /// Makes a response; for tests of code that reads responses.
    public init(status: Int, headers: FetchHeaders = [], body: [UInt8] = [], effectiveURL: String) {
        self.status = status
        self.headers = headers
        self.body = body
        self.effectiveURL = effectiveURL
    }
}
