import Foundation

/// An address that was read strictly and is written anew for libcurl, so that two parsers can't disagree about where it leads.
///
/// Refused are: schemes other than http and https, anything but `//` after the scheme, user information, backslashes, control
/// characters, spaces, percent signs in the host, spellings of IPv4 other than four plain decimal numbers, zones in IPv6, bad
/// ports, and texts longer than 2,048 bytes, as they are given or as they are written anew.
public struct FetchURL: Sendable, Equatable {
    /// The longest address in bytes.
    public static let longest = 2048

    /// `http` or `https`.
    public let scheme: String
    /// Lower case ASCII without trailing dot; an IPv6 literal without brackets.
    public let host: String
    /// The port, the scheme's own when none is written.
    public let port: UInt16
    let hasPort: Bool
    /// Path and query, beginning with `/`; non-ASCII bytes percent-encoded.
    public let target: String
    /// The host as a numeric address, when it is one.
    let literal: IPAddress?

    /// Reads an address.
    /// - Throws: ``FetchError`` with code `badURL`, `unsupportedScheme` or `refusedAddress` (an IPv4 address in a disguise).
    public init(_ text: String) throws(FetchError) {
        try Self.checkCharacters(text)
        let (scheme, rest) = try Self.splitScheme(text)
        let end = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
        let (hostText, portText) = try Self.splitAuthority(rest[..<end])
        self.scheme = scheme
        (host, literal) = try FetchURLHost.read(hostText)
        hasPort = portText != nil
        port = try portText.map { (text) throws(FetchError) in try Self.readPort(text) } ?? (scheme == "https" ? 443 : 80)
        target = Self.writeTarget(rest[end...])
        try Self.checkLength(self.text)
    }

    /// The whole address as it is given to libcurl, without fragment.
    public var text: String { origin + target }

    /// Scheme, host and, where one is written, port.
    public var origin: String {
        "\(scheme)://\(bracketedHost)" + (hasPort ? ":\(port)" : "")
    }

    /// Scheme and host, and the port unless it is the scheme's own.
    public var shortOrigin: String {
        "\(scheme)://\(bracketedHost)" + (port == (scheme == "https" ? 443 : 80) ? "" : ":\(port)")
    }

    private var bracketedHost: String { host.contains(":") ? "[\(host)]" : host }

    func hasSameOrigin(as other: FetchURL) -> Bool {
        scheme == other.scheme && host == other.host && port == other.port
    }

    /// The host for a text that is read by people; a word when the address has none.
    static func printableHost(of text: String) -> String {
        (try? FetchURL(text).host) ?? "an unreadable address"
    }

    private static func checkLength(_ text: String) throws(FetchError) {
        guard text.utf8.count <= longest else {
            throw FetchError(.badURL, "the address has \(text.utf8.count) bytes; \(longest) are the most")
        }
    }

    private static func checkCharacters(_ text: String) throws(FetchError) {
        try checkLength(text)
        for scalar in text.unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .format, .surrogate, .privateUse, .unassigned, .lineSeparator, .paragraphSeparator, .spaceSeparator:
                throw FetchError(.badURL, "the address contains a space or a control character")
            default: break
            }
            if scalar == "\\" { throw FetchError(.badURL, "the address contains a backslash") }
        }
    }

    private static func splitScheme(_ text: String) throws(FetchError) -> (String, Substring) {
        guard let colon = text.firstIndex(of: ":") else {
            throw FetchError(.badURL, "the address has no scheme; it should begin with https:// or http://")
        }
        let scheme = text[..<colon].lowercased()
        guard scheme == "http" || scheme == "https" else {
            throw FetchError(.unsupportedScheme, "only http and https are fetched")
        }
        let rest = text[text.index(after: colon)...]
        guard rest.hasPrefix("//"), !rest.hasPrefix("///") else {
            throw FetchError(.badURL, "the scheme should be followed by // and a host")
        }
        return (scheme, rest.dropFirst(2))
    }

    private static func splitAuthority(_ authority: Substring) throws(FetchError) -> (host: Substring, port: Substring?) {
        guard !authority.contains("@") else {
            throw FetchError(.badURL, "the address holds a user name or a password before its host")
        }
        if authority.hasPrefix("[") {
            guard let close = authority.firstIndex(of: "]") else { throw FetchError(.badURL, "the address has a bracket without its pair") }
            let host = authority[...close]
            let after = authority[authority.index(after: close)...]
            if after.isEmpty { return (host, nil) }
            guard after.hasPrefix(":") else { throw FetchError(.badURL, "the address has text between host and port") }
            return (host, after.dropFirst())
        }
        guard let colon = authority.firstIndex(of: ":") else { return (authority, nil) }
        return (authority[..<colon], authority[authority.index(after: colon)...])
    }

    private static func readPort(_ text: Substring) throws(FetchError) -> UInt16 {
        let isDigits = !text.isEmpty && text.utf8.count <= 5 && text.utf8.allSatisfy { (0x30...0x39).contains($0) }
        guard isDigits, let port = UInt16(text), port > 0 else {
            throw FetchError(.badURL, "the address has a port that is not between 1 and 65535")
        }
        return port
    }

    /// Path and query without the fragment, every byte that may not stand there percent-encoded.
    private static func writeTarget(_ text: Substring) -> String {
        let hex = Array("0123456789ABCDEF".utf8)
        var bytes: [UInt8] = text.hasPrefix("/") ? [] : [0x2F]
        for byte in text.utf8 {
            if byte == 0x23 { break }
            switch byte {
            case 0x00...0x20, 0x22, 0x3C, 0x3E, 0x60, 0x7B...0x7D, 0x7F...:
                bytes += [0x25, hex[Int(byte >> 4)], hex[Int(byte & 15)]]
            default:
                bytes.append(byte)
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
