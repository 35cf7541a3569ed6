import CCurl
import Foundation

/// Tells libcurl everything about one hop. A failing option fails the fetch: a guard that was not set must not be missed.
struct TransferSetup {
    let easy: UnsafeMutableRawPointer
    let hop: TransferPlan.Hop
    let plan: TransferPlan
    let remaining: Duration

    /// Sets all options; the header list that is given back must live until the hop's end.
    func apply(to transfer: Transfer) throws(FetchError) -> UnsafeMutablePointer<curl_slist>? {
        let context = Unmanaged.passUnretained(transfer).toOpaque()
        try check(ccurl_set_pointer(easy, CURLOPT_PRIVATE, context))
        try check(ccurl_set_open_socket_callback(easy, openSocket, context))
        try check(ccurl_set_header_callback(easy, receiveHeader, context))
        try check(ccurl_set_write_callback(easy, receiveBody, context))
        try setAddress()
        try setBounds()
        try setMethod()
        return try setHeaders()
    }

    private func setAddress() throws(FetchError) {
        try check(ccurl_set_string(easy, CURLOPT_URL, hop.url.text))
        try check(ccurl_set_string(easy, CURLOPT_PROTOCOLS_STR, "http,https"))
        try check(ccurl_set_string(easy, CURLOPT_REDIR_PROTOCOLS_STR, "http,https"))
        // An empty proxy: else the environment's would be used, and the guard would see the proxy's address only.
        try check(ccurl_set_string(easy, CURLOPT_PROXY, ""))
        // Every byte of the path was checked; `..` must go out as it was checked.
        try check(ccurl_set_long(easy, CURLOPT_PATH_AS_IS, 1))
        try check(ccurl_set_long(easy, CURLOPT_FOLLOWLOCATION, 0))
        try check(ccurl_set_long(easy, CURLOPT_NETRC, 0))
        if let file = plan.trustedRootsFile { try check(ccurl_set_string(easy, CURLOPT_CAINFO, file)) }
    }

    private func setBounds() throws(FetchError) {
        try check(ccurl_set_long(easy, CURLOPT_NOSIGNAL, 1))
        try check(ccurl_set_long(easy, CURLOPT_TIMEOUT_MS, milliseconds(remaining)))
        try check(ccurl_set_long(easy, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(min(remaining, plan.limits.connect))))
        // A false or honest Content-Length above the limit ends the transfer before its body.
        if hop.method != .head { try check(ccurl_set_offset(easy, CURLOPT_MAXFILESIZE_LARGE, curl_off_t(max(plan.limits.bodyBytes, 1)))) }
        // Every encoding that libcurl was built with; what is counted is the decoded body.
        try check(ccurl_set_string(easy, CURLOPT_ACCEPT_ENCODING, ""))
        // A transfer that is taken away while its name is being resolved must not wait for the resolver's thread: it would stop
        // every other transfer of the loop.
        _ = ccurl_set_long(easy, CURLOPT_QUICK_EXIT, 1)
    }

    private func setMethod() throws(FetchError) {
        switch hop.method {
        case .get where hop.body == nil:
            try check(ccurl_set_long(easy, CURLOPT_HTTPGET, 1))
        case .head:
            try check(ccurl_set_long(easy, CURLOPT_NOBODY, 1))
        case .delete where hop.body == nil:
            try check(ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, hop.method.rawValue))
        default:
            try check(ccurl_set_long(easy, CURLOPT_POST, 1))
            try check(ccurl_set_string(easy, CURLOPT_CUSTOMREQUEST, hop.method.rawValue))
            let body = hop.body ?? []
            try check(ccurl_set_offset(easy, CURLOPT_POSTFIELDSIZE_LARGE, curl_off_t(body.count)))
            // Copied by libcurl, so the array need not outlive this call.
            let code = body.withUnsafeBytes { ccurl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, $0.baseAddress ?? UnsafeRawPointer(easy)) }
            try check(code)
        }
    }

    private func setHeaders() throws(FetchError) -> UnsafeMutablePointer<curl_slist>? {
        // Without Expect no round trip is lost before a body is sent.
        var lines = ["Expect:"]
        if hop.body != nil, hop.headers["Content-Type"] == nil { lines.append("Content-Type:") }
        // libcurl drops a header without value unless it ends with a semicolon.
        lines += hop.headers.map { $0.value.isEmpty ? "\($0.name);" : "\($0.name): \($0.value)" }
        var list: UnsafeMutablePointer<curl_slist>?
        for line in lines {
            guard let longer = curl_slist_append(list, line) else {
                curl_slist_free_all(list)
                throw FetchError(.system, "libcurl has no memory for the request's headers")
            }
            list = longer
        }
        let code = ccurl_set_list(easy, CURLOPT_HTTPHEADER, list)
        guard code == CURLE_OK else {
            curl_slist_free_all(list)
            throw refused(code)
        }
        return list
    }

    private func check(_ code: CURLcode) throws(FetchError) {
        guard code == CURLE_OK else { throw refused(code) }
    }

    private func refused(_ code: CURLcode) -> FetchError {
        FetchError(.system, "libcurl refuses an option: \(String(cString: curl_easy_strerror(code)))")
    }

    private func milliseconds(_ duration: Duration) -> Int {
        let (seconds, attoseconds) = duration.components
        return max(1, Int(min(seconds, 1_000_000)) * 1000 + Int(attoseconds / 1_000_000_000_000_000))
    }
}

// MARK: The callbacks: C functions that hand on to the transfer in their context

private func transfer(in context: UnsafeMutableRawPointer?) -> Transfer? {
    context.map { Unmanaged<Transfer>.fromOpaque($0).takeUnretainedValue() }
}

private let receiveHeader: ccurl_data_callback = { bytes, size, count, context in
    let length = size * count
    guard let transfer = transfer(in: context) else { return 0 }
    return transfer.receive(headerLine: UnsafeRawBufferPointer(start: bytes, count: length)) ? length : length &+ 1
}

private let receiveBody: ccurl_data_callback = { bytes, size, count, context in
    let length = size * count
    guard let transfer = transfer(in: context) else { return 0 }
    // Any other number than the one given stops libcurl.
    return transfer.receive(body: UnsafeRawBufferPointer(start: bytes, count: length)) ? length : length &+ 1
}

/// Asked for every connection that is opened, after the name was resolved, with the address that will be connected to.
private let openSocket: ccurl_open_socket_callback = { context, _, address in
    guard let transfer = transfer(in: context), let address else { return CURL_SOCKET_BAD }
    let family = address.pointee.family
    let bytes = UnsafeRawPointer(address).advanced(by: MemoryLayout<curl_sockaddr>.offset(of: \.addr) ?? 0)
    let ip = IPAddress(socketAddress: UnsafeRawBufferPointer(start: bytes, count: Int(address.pointee.addrlen)), family: family)
    guard transfer.mayConnect(to: ip) else { return CURL_SOCKET_BAD }
    return socket(family, address.pointee.socktype | Int32(SOCK_CLOEXEC.rawValue), address.pointee.`protocol`)
}
