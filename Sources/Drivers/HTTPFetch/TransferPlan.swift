/// What one fetch is going to do: checked once, before libcurl sees anything of it.
struct TransferPlan: Sendable {
    /// One request of a chain of redirects.
    struct Hop: Sendable {
        var url: FetchURL
        var method: FetchRequest.Method
        var headers: FetchHeaders
        var body: [UInt8]?
    }

    let first: Hop
    let limits: FetchLimits
    let policy: AddressPolicy
    let ports: Set<UInt16>
    let trustedRootsFile: String?

    init(_ request: FetchRequest, configuration: HTTPFetcher.Configuration) throws(FetchError) {
        limits = try Self.checked(request.limits ?? configuration.limits)
        policy = configuration.addressPolicy
        ports = configuration.ports
        trustedRootsFile = configuration.trustedRootsFile
        var headers = try Self.checked(request.headers)
        if headers["User-Agent"] == nil { headers.add(name: "User-Agent", value: configuration.userAgent) }
        let url = try FetchURL(request.url)
        try policy.check(url, ports: ports)
        first = Hop(url: url, method: request.method, headers: headers, body: request.body)
    }

    /// The hop that follows a redirect, or nil when the response is no redirect.
    ///
    /// 303, and 301 and 302 after a POST, turn into a GET without body, as browsers do it. Credentials stay with their origin.
    func hop(after hop: Hop, status: Int, location: String?) throws(FetchError) -> Hop? {
        guard [301, 302, 303, 307, 308].contains(status), let location else { return nil }
        let url = try hop.url.redirected(to: location)
        try policy.check(url, ports: ports)
        var next = hop
        next.url = url
        let becomesGet = (status == 303 && hop.method != .head) || ((status == 301 || status == 302) && hop.method == .post)
        if becomesGet {
            next.method = .get
            next.body = nil
            next.headers["Content-Type"] = nil
        }
        if !url.hasSameOrigin(as: hop.url) {
            for name in ["Authorization", "Cookie", "Proxy-Authorization"] { next.headers[name] = nil }
        }
        return next
    }

    private static func checked(_ limits: FetchLimits) throws(FetchError) -> FetchLimits {
        guard limits.total > .zero, limits.connect > .zero, limits.bodyBytes >= 0, limits.headerBytes > 0, limits.redirects >= 0 else {
            throw FetchError(.badRequest, "limits of a fetch should be positive")
        }
        return limits
    }

    /// A line end or a NUL in a header would forge another header.
    private static func checked(_ headers: FetchHeaders) throws(FetchError) -> FetchHeaders {
        for field in headers {
            guard !field.name.isEmpty, field.name.utf8.allSatisfy(isTokenByte) else {
                throw FetchError(.badRequest, "a header's name has a character that no name has")
            }
            guard field.value.utf8.allSatisfy({ ($0 >= 0x20 && $0 != 0x7F) || $0 == 0x09 }) else {
                throw FetchError(.badRequest, "the value of header \(field.name) has a control character")
            }
        }
        return headers
    }

    private static func isTokenByte(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "0")...UInt8(ascii: "9"): return true
        default: return Array("!#$%&'*+-.^_`|~".utf8).contains(byte)
        }
    }
}
