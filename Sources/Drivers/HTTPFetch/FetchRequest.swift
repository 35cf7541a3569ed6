/// One HTTP exchange to make: what to ask for, and the bounds within which the answer is accepted.
///
/// The description of a request shows its method and host only, because the path of an address may hold a secret (a bot's
/// token, a signed link).
public struct FetchRequest: Sendable, CustomStringConvertible {
    /// An HTTP method.
    public enum Method: String, Sendable {
        case get = "GET"
        case head = "HEAD"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    /// The absolute `http` or `https` address.
    public var url: String
    /// The method; `GET` by default.
    public var method: Method
    /// Header fields to send besides those that the fetcher adds itself (`Host`, `User-Agent`, `Accept-Encoding`).
    public var headers: FetchHeaders
    /// The body, or nil for none.
    public var body: [UInt8]?
    /// Bounds of this request; nil takes the fetcher's.
    public var limits: FetchLimits?

    /// Makes a request.
    public init(url: String, method: Method = .get, headers: FetchHeaders = [], body: [UInt8]? = nil, limits: FetchLimits? = nil) {
        self.url = url
        self.method = method
        self.headers = headers
        self.body = body
        self.limits = limits
    }

    /// A `POST` of a multipart form, with its content type set.
    public static func post(url: String, form: MultipartForm, limits: FetchLimits? = nil) -> FetchRequest {
        var request = FetchRequest(url: url, method: .post, body: form.encoded(), limits: limits)
        request.headers["Content-Type"] = form.contentType
        return request
    }

    /// The method and the host, never the path.
    public var description: String {
        "\(method.rawValue) \(FetchURL.printableHost(of: url))"
    }
}

/// Bounds of one fetch, all hops of a redirect chain together where a duration is meant, each response alone where bytes are.
public struct FetchLimits: Sendable, Equatable {
    /// The time from start to the last byte, over all redirects; 20 seconds by default. It ends a body that drips byte by byte.
    public var total: Duration
    /// The time to resolve the name and to connect, per hop; 5 seconds by default.
    public var connect: Duration
    /// The largest body in bytes, counted after decompression; 5 MiB by default.
    public var bodyBytes: Int
    /// The largest header section in bytes; 64 KiB by default.
    public var headerBytes: Int
    /// How many redirects are followed; 5 by default, 0 hands a redirect back as a response.
    public var redirects: Int

    /// Makes bounds from the defaults and what differs from them.
    public init(
        total: Duration = .seconds(20), connect: Duration = .seconds(5), bodyBytes: Int = 5 << 20, headerBytes: Int = 64 << 10, redirects: Int = 5
    ) {
        self.total = total
        self.connect = connect
        self.bodyBytes = bodyBytes
        self.headerBytes = headerBytes
        self.redirects = redirects
    }
}
