/// A `ws://` address, taken apart.
public struct WebSocketAddress: Sendable, Hashable, CustomStringConvertible {
    /// A name or a number; an IPv6 address without its brackets.
    public var host: String
    /// 1 to 65535.
    public var port: Int
    /// The path with its query; begins with `/`.
    public var target: String

    /// Reads `ws://host[:port][/path][?query]`. The port is 80 if none is given.
    ///
    /// - Throws: ``WebSocketError`` `invalidAddress`; for `wss://` too, because this client speaks no TLS: a proxy on this host does.
    public init(_ text: String) throws(WebSocketError) {
        guard !text.lowercased().hasPrefix("wss://") else {
            throw WebSocketError(.invalidAddress, "\(text): this client speaks no TLS; use ws:// to a proxy on this host that does")
        }
        guard text.lowercased().hasPrefix("ws://") else {
            throw WebSocketError(.invalidAddress, "\"\(text)\" is no WebSocket address; one looks like ws://127.0.0.1:8000/ws")
        }
        let rest = text.dropFirst(5)
        let end = rest.firstIndex { "/?#".contains($0) } ?? rest.endIndex
        let authority = rest[..<end]
        guard !authority.contains("@") else { throw WebSocketError(.invalidAddress, "a WebSocket address holds no user name or password") }
        (host, port) = try Self.split(authority, of: text)
        let target = rest[end...].prefix { $0 != "#" }
        guard target.utf8.allSatisfy({ $0 > 32 && $0 < 127 }) else {
            throw WebSocketError(.invalidAddress, "\"\(text)\" has characters that must be percent-encoded")
        }
        self.target = target.hasPrefix("/") ? String(target) : "/" + target
    }

    private static func split(_ authority: Substring, of text: String) throws(WebSocketError) -> (host: String, port: Int) {
        var host = authority
        var digits: Substring?
        if authority.hasPrefix("["), let end = authority.firstIndex(of: "]") {
            host = authority[authority.index(after: authority.startIndex)..<end]
            let after = authority[authority.index(after: end)...]
            digits = after.isEmpty ? nil : after.dropFirst(after.hasPrefix(":") ? 1 : 0)
        } else if let colon = authority.firstIndex(of: ":") {
            host = authority[..<colon]
            digits = authority[authority.index(after: colon)...]
        }
        let port = digits.map { Int($0) ?? 0 } ?? 80
        guard !host.isEmpty, host.utf8.allSatisfy({ $0 > 32 && $0 < 127 }), (1...65535).contains(port) else {
            throw WebSocketError(.invalidAddress, "\"\(text)\" has no host, or a port that is none; an address looks like ws://127.0.0.1:8000/ws")
        }
        return (String(host), port)
    }

    /// The value of the `Host` field.
    var authority: String {
        let name = host.contains(":") ? "[\(host)]" : host
        return port == 80 ? name : "\(name):\(port)"
    }

    public var description: String { "ws://\(authority)\(target)" }
}
