import Crypto

/// The documentation page: one embedded file that loads nothing from elsewhere.
enum DocsPage: TextKind {
    static let mediaType = "text/html; charset=utf-8"
    static let meaning = "The page; it loads nothing from elsewhere."

    /// The page's text.
    static let text = String(decoding: PackageResources.docs_html, as: UTF8.self)

    /// The page's own script and style are allowed by their hashes, and nothing else is.
    static let headers = [
        "Content-Security-Policy": """
        default-src 'none'; script-src \(source("script")); style-src \(source("style")); img-src data:; connect-src 'self'; \
        base-uri 'none'; form-action 'none'; frame-ancestors 'none'
        """,
        "X-Content-Type-Options": "nosniff", "Referrer-Policy": "no-referrer", "Cache-Control": "no-cache",
    ]

    /// `'sha256-…'` of what stands between an element's tags.
    private static func source(_ element: String) -> String {
        guard let start = text.firstRange(of: "<\(element)>"), let end = text.firstRange(of: "</\(element)>"), start.upperBound <= end.lowerBound else {
            return "'none'"
        }
        let hash = SHA256.hash(data: Array(text[start.upperBound..<end.lowerBound].utf8))
        return "'sha256-\(base64(Array(hash)))'"
    }

    /// RFC 4648's encoding, with padding.
    static func base64(_ bytes: [UInt8]) -> String {
        let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)
        var output: [UInt8] = []
        for start in stride(from: 0, to: bytes.count, by: 3) {
            let group = Array(bytes[start..<min(start + 3, bytes.count)])
            let bits = group.enumerated().reduce(UInt32(0)) { $0 | UInt32($1.element) << UInt32(16 - 8 * $1.offset) }
            for place in 0..<4 { output.append(place <= group.count ? alphabet[Int(bits >> UInt32(18 - 6 * place)) & 63] : UInt8(ascii: "=")) }
        }
        return String(decoding: output, as: UTF8.self)
    }
}
