import HTTPFetch

/// A product's link in the one spelling under which it is stored: scheme and host in lower case, no default port, no fragment,
/// no tracking parameters, the rest of the query sorted, percent-encoding of one form.
struct ProductLink: Sendable, Equatable {
    let scheme: String
    let host: String
    let origin: String
    /// Decoded of needless percent-encoding; begins with `/`.
    let path: String
    /// The parameters that are left, sorted.
    let parameters: [String]

    init?(_ text: String) {
        guard let url = try? FetchURL(text) else { return nil }
        self.init(url)
    }

    init(_ url: FetchURL) {
        scheme = url.scheme
        host = url.host
        origin = url.shortOrigin
        let parts = url.target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = Self.normalized(parts[0])
        let query = parts.count > 1 ? parts[1].split(separator: "&") : []
        parameters = query.filter { !Self.isTracking($0) }.map(Self.normalized).sorted()
    }

    /// The whole link.
    var text: String { origin + path + (parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&")) }

    /// The host without a leading `www.`.
    var bareHost: String { host.hasPrefix("www.") ? String(host.dropFirst(4)) : host }

    var segments: [Substring] { path.split(separator: "/") }

    /// Words of path and query by which an identifier may be recognized.
    var words: Set<String> {
        Set((segments + parameters.map { $0[...] }).flatMap { $0.split { !$0.isLetter && !$0.isNumber && $0 != "_" } }.map { $0.lowercased() })
    }

    /// The canonical link of a page: its own `rel=canonical` where that speaks of this page, else the page's address.
    ///
    /// A canonical link on another host, or to the front page, speaks of something else; one that drops a query may have lost
    /// the variant that the user asked for.
    static func canonical(address: ProductLink, declared: String?) -> ProductLink {
        guard let declared, let link = ProductLink(declared), link.bareHost == address.bareHost, link.path != "/" || address.path == "/" else { return address }
        guard Set(address.parameters).isSubset(of: link.parameters) else { return address }
        return link
    }

    /// A reference made absolute; nil when it leads nowhere that can be fetched.
    static func absolute(_ reference: String, from base: String) -> String? {
        guard let base = try? FetchURL(base), reference.utf8.count <= FetchURL.longest else { return nil }
        let trimmed = reference.filter { !$0.isNewline && $0 != "\t" }
        return try? base.redirected(to: trimmed).text
    }

    private static func isTracking(_ parameter: Substring) -> Bool {
        let name = parameter.prefix { $0 != "=" }.lowercased()
        return name.isEmpty || tracking.contains(name) || trackingPrefixes.contains { name.hasPrefix($0) }
    }

    private static let trackingPrefixes = ["utm_", "roistat", "mc_", "pk_", "hsa_", "at_"]
    private static let tracking: Set<String> = [
        "gclid", "gclsrc", "dclid", "gbraid", "wbraid", "fbclid", "yclid", "ymclid", "ysclid", "msclkid", "twclid", "ttclid", "igshid", "_openstat",
        "_ga", "_gl", "srsltid", "epik", "erid", "admitad_uid", "tagtag_uid", "targeturl", "etext", "referrer", "_hsenc", "_hsmi",
        "_pos", "_sid", "_ss", "_psq", "_fid", "_v",
    ]

    /// Upper-case escapes, and none for characters that need none (RFC 3986, 6.2.2).
    private static func normalized(_ text: Substring) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        let bytes = Array(text.utf8)
        var result: [UInt8] = []
        var place = 0
        while place < bytes.count {
            guard bytes[place] == 0x25, place + 2 < bytes.count, let high = digit(bytes[place + 1]), let low = digit(bytes[place + 2]) else {
                result.append(bytes[place])
                place += 1
                continue
            }
            let byte = high << 4 | low
            result += isUnreserved(byte) ? [byte] : [0x25, hex[Int(high)], hex[Int(low)]]
            place += 3
        }
        return String(decoding: result, as: UTF8.self)
    }

    private static func digit(_ byte: UInt8) -> UInt8? {
        Character(Unicode.Scalar(byte)).hexDigitValue.map { UInt8($0) }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A, 0x2D, 0x2E, 0x5F, 0x7E: return true
        default: return false
        }
    }
}
