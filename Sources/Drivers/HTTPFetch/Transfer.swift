import CCurl

/// One fetch under way: what has arrived of the current hop, and why it failed if it did. Lives on the loop's thread.
final class Transfer {
    let id: UInt64
    let plan: TransferPlan
    let easy: UnsafeMutableRawPointer
    let continuation: TransferLoop.Continuation
    let deadline: ContinuousClock.Instant

    var hop: TransferPlan.Hop
    private var redirects = 0
    private var status = 0
    private var headers: FetchHeaders = []
    private var headerBytes = 0
    private var bodyBytes = 0
    private var body: [UInt8] = []
    private var isPeerChecked = false
    /// The reason that a callback had for stopping libcurl; it outranks libcurl's own code.
    private(set) var refusal: FetchError?
    private var headerList: UnsafeMutablePointer<curl_slist>?

    init(id: UInt64, plan: TransferPlan, easy: UnsafeMutableRawPointer, continuation: TransferLoop.Continuation) {
        self.id = id
        self.plan = plan
        self.easy = easy
        self.continuation = continuation
        hop = plan.first
        deadline = .now.advanced(by: plan.limits.total)
    }

    var response: FetchResponse {
        FetchResponse(status: status, headers: headers, body: body, effectiveURL: hop.url.text)
    }

    /// The transfer that rides on the handle. libcurl keeps an unretained pointer; the table keeps the transfer alive until the
    /// handle is out of the multi handle and closed.
    static func of(_ easy: UnsafeMutableRawPointer) -> Transfer? {
        var pointer: UnsafePointer<CChar>?
        guard ccurl_get_string(easy, CURLINFO_PRIVATE, &pointer) == CURLE_OK, let pointer else { return nil }
        return Unmanaged<Transfer>.fromOpaque(pointer).takeUnretainedValue()
    }

    /// Sets the handle up for the current hop.
    func prepareHop() throws(FetchError) {
        let remaining = ContinuousClock.now.duration(to: deadline)
        guard remaining > .zero else { throw timeOut }
        status = 0
        headers = []
        headerBytes = 0
        bodyBytes = 0
        body = []
        isPeerChecked = false
        curl_easy_reset(easy)
        let setup = TransferSetup(easy: easy, hop: hop, plan: plan, remaining: remaining)
        freeHeaderList()
        headerList = try setup.apply(to: self)
    }

    func close() {
        curl_easy_cleanup(easy)
        freeHeaderList()
    }

    private func freeHeaderList() {
        curl_slist_free_all(headerList)
        headerList = nil
    }

    /// What follows the end of a hop: another hop, the response (nil), or an error.
    func nextHop(_ code: CURLcode) throws(FetchError) -> TransferPlan.Hop? {
        if let refusal { throw refusal }
        guard code == CURLE_OK else { throw FetchError(libcurl: code, host: hop.url.host, timeOut: timeOut) }
        guard plan.limits.redirects > 0 else { return nil }
        guard let next = try plan.hop(after: hop, status: status, location: headers["Location"]) else { return nil }
        redirects += 1
        guard redirects <= plan.limits.redirects else {
            throw FetchError(.tooManyRedirects, "\(plan.first.url.host) redirects more than \(plan.limits.redirects) times")
        }
        return next
    }

    private var timeOut: FetchError {
        FetchError(.timedOut, "\(hop.url.host) did not answer whole within \(plan.limits.total) (connecting: \(plan.limits.connect))")
    }

    // MARK: What libcurl's callbacks report; false stops the transfer

    /// Whether a connection to the address may be opened.
    func mayConnect(to address: IPAddress?) -> Bool {
        if plan.policy.excepts(hop.url) || address?.isPublic == true { return true }
        refusal = FetchError(.refusedAddress, "\(hop.url.host) leads to an address outside the public internet")
        return false
    }

    func receive(headerLine bytes: UnsafeRawBufferPointer) -> Bool {
        guard checkPeer() else { return false }
        headerBytes += bytes.count
        guard headerBytes <= plan.limits.headerBytes else {
            refusal = FetchError(.tooLarge, "\(hop.url.host) sends more than \(plan.limits.headerBytes) bytes of headers")
            return false
        }
        if bytes.starts(with: "HTTP/".utf8) {
            readStatus(bytes)
        } else if let colon = bytes.firstIndex(of: UInt8(ascii: ":")) {
            let name = String(decoding: bytes[..<colon], as: UTF8.self)
            let value = Self.trimmed(bytes[(colon + 1)...])
            headers.add(name: name, value: name.lowercased() == "location" ? Self.percentEncoded(value) : String(decoding: value, as: UTF8.self))
        }
        return true
    }

    func receive(body bytes: UnsafeRawBufferPointer) -> Bool {
        guard checkPeer() else { return false }
        bodyBytes += bytes.count
        guard bodyBytes <= plan.limits.bodyBytes else {
            refusal = FetchError(.tooLarge, "\(hop.url.host) sends a body of more than \(plan.limits.bodyBytes) bytes")
            return false
        }
        body.append(contentsOf: bytes)
        return true
    }

    /// A pooled connection was opened for another request and never asked the guard again, so the peer is looked at once more
    /// before anything of its answer is used.
    private func checkPeer() -> Bool {
        if isPeerChecked { return true }
        isPeerChecked = true
        var text: UnsafePointer<CChar>?
        guard ccurl_get_string(easy, CURLINFO_PRIMARY_IP, &text) == CURLE_OK, let text else { return mayConnect(to: nil) }
        return mayConnect(to: IPAddress(String(cString: text)))
    }

    /// A status line begins a response: an informational one before it leaves no trace.
    private func readStatus(_ bytes: UnsafeRawBufferPointer) {
        headers = []
        status = bytes.split(separator: 0x20).dropFirst().first.flatMap { Int(String(decoding: $0, as: UTF8.self).prefix(3)) } ?? 0
    }

    private static func trimmed(_ bytes: Slice<UnsafeRawBufferPointer>) -> Slice<UnsafeRawBufferPointer> {
        var trimmed = bytes
        while let first = trimmed.first, first == 0x20 || first == 0x09 { trimmed = trimmed.dropFirst() }
        while let last = trimmed.last, last == 0x0D || last == 0x0A || last == 0x20 || last == 0x09 { trimmed = trimmed.dropLast() }
        return trimmed
    }

    /// In `Location` bytes beyond ASCII are kept as they are, percent-encoded: an address in an unknown charset must come back to
    /// its server unchanged.
    private static func percentEncoded(_ bytes: Slice<UnsafeRawBufferPointer>) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        let encoded = bytes.flatMap { $0 < 0x80 ? [$0] : [0x25, hex[Int($0 >> 4)], hex[Int($0 & 15)]] }
        return String(decoding: encoded, as: UTF8.self)
    }
}
