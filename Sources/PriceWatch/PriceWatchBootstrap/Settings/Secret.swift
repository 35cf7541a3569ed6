/// A text that is never printed: every way of showing it gives `<secret>`.
public struct Secret: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String

    /// Wraps a text.
    public init(_ text: String) { self.text = text }

    /// The text itself; hand it only to what needs it.
    public func reveal() -> String { text }

    public var description: String { "<secret>" }
    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}

/// A URL that may carry a user and a password, such as a broker's: printing it leaves out both, and the query.
public struct ConnectionURL: Sendable, Hashable, CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    private let text: String
    /// The part before `://`, in lower case.
    public let scheme: String

    /// Reads a URL; `nil` when it has no scheme or nothing behind it.
    public init?(_ text: String) {
        guard let separator = text.firstRange(of: "://"), separator.lowerBound > text.startIndex, separator.upperBound < text.endIndex else { return nil }
        let scheme = text[..<separator.lowerBound].lowercased()
        guard scheme.utf8.allSatisfy({ (97...122).contains($0) || (48...57).contains($0) || [43, 45, 46].contains($0) }) else { return nil }
        guard !text.unicodeScalars.contains(where: { $0.value <= 32 || $0.value == 127 }) else { return nil }
        self.text = text
        self.scheme = scheme
    }

    private init(scheme: String) {
        text = scheme + "://"
        self.scheme = scheme
    }

    /// What a reading that failed answers; ``Settings/check()`` throws before anything connects to it.
    static let unusable = ConnectionURL(scheme: "unusable")

    /// The URL as it was given, password included.
    public func reveal() -> String { text }

    public var description: String {
        guard let separator = text.firstRange(of: "://") else { return "<url>" }
        // In a list of servers each may have a password.
        if text.contains(";") { return "\(scheme)://***" }
        var rest = text[separator.upperBound...]
        if let end = rest.firstIndex(where: { $0 == "?" || $0 == "#" }) { rest = rest[..<end] }
        let authority = rest.prefix { $0 != "/" }
        guard let at = authority.lastIndex(of: "@") else { return "\(scheme)://\(rest)" }
        return "\(scheme)://***@\(rest[rest.index(after: at)...])"
    }

    public var debugDescription: String { description }
    public var customMirror: Mirror { Mirror(self, children: []) }
}
