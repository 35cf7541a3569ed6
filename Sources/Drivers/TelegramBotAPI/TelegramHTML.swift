/// A text in Telegram's HTML mode that is right by construction: every piece is escaped, every tag closed, and ``length`` is what Telegram counts.
///
/// ```swift
/// TelegramHTML.bold(product.name) + "\n" + TelegramHTML.link("shop", url: address)
/// ```
public struct TelegramHTML: Sendable, Hashable, ExpressibleByStringInterpolation {
    /// The markup, as sent.
    public private(set) var html: String
    /// Length after entity parsing, in UTF-16 units.
    public private(set) var length: Int

    /// The longest text of a message, in UTF-16 units.
    public static let maximumText = 4_096
    /// The longest caption, in UTF-16 units.
    public static let maximumCaption = 1_024

    /// Plain text. Control characters and marks that change the writing direction are taken out: with them a name could rearrange what follows.
    public init(_ text: String) {
        let clean = Self.clean(text)
        html = Self.escape(clean)
        length = clean.utf16.count
    }

    public init(stringLiteral value: String) { self.init(value) }

    private init(html: String, length: Int) {
        self.html = html
        self.length = length
    }

    /// Bold text.
    public static func bold(_ text: String) -> TelegramHTML { TelegramHTML(text).inside("b") }
    /// Struck-out text.
    public static func struck(_ text: String) -> TelegramHTML { TelegramHTML(text).inside("s") }
    /// Slanted text.
    public static func italic(_ text: String) -> TelegramHTML { TelegramHTML(text).inside("i") }

    /// A link; only its text counts for the length. An address other than http or https gives the text alone.
    public static func link(_ text: String, url: String) -> TelegramHTML {
        let label = TelegramHTML(text)
        let lower = url.lowercased()
        guard lower.hasPrefix("http://") || lower.hasPrefix("https://") else { return label }
        return TelegramHTML(html: "<a href=\"\(escape(clean(url)))\">\(label.html)</a>", length: label.length)
    }

    private func inside(_ tag: String) -> TelegramHTML { TelegramHTML(html: "<\(tag)>\(html)</\(tag)>", length: length) }

    /// One after the other.
    public static func + (left: TelegramHTML, right: TelegramHTML) -> TelegramHTML {
        TelegramHTML(html: left.html + right.html, length: left.length + right.length)
    }

    /// Appends.
    public static func += (left: inout TelegramHTML, right: TelegramHTML) { left = left + right }

    // MARK: Text

    /// Escapes `& < > "`.
    public static func escape(_ text: String) -> String {
        var escaped = ""
        escaped.reserveCapacity(text.utf8.count)
        for scalar in text.unicodeScalars {
            switch scalar {
            case "&": escaped += "&amp;"
            case "<": escaped += "&lt;"
            case ">": escaped += "&gt;"
            case "\"": escaped += "&quot;"
            default: escaped.unicodeScalars.append(scalar)
            }
        }
        return escaped
    }

    /// Foreign text for use inside one line: no line ends, no control characters, no direction marks, runs of blanks as one; cut to `units`.
    public static func line(_ text: String, to units: Int) -> String {
        let words = text.split { $0.isWhitespace || $0.isNewline }.map(String.init).joined(separator: " ")
        return cut(clean(words), to: units)
    }

    /// Cut to at most so many UTF-16 units, at a whole character, the last one «…» when something was cut.
    public static func cut(_ text: String, to units: Int) -> String {
        guard text.utf16.count > units else { return text }
        var kept = ""
        var count = 1
        for character in text {
            count += character.utf16.count
            if count > units { break }
            kept.append(character)
        }
        return units > 0 ? kept + "…" : ""
    }

    private static func clean(_ text: String) -> String {
        var kept = String.UnicodeScalarView()
        for scalar in text.unicodeScalars where !isHarmful(scalar) { kept.append(scalar) }
        return String(kept)
    }

    /// C0 and C1 controls but tab and line feed, line and paragraph separators, bidirectional marks, embeddings, overrides and isolates.
    private static func isHarmful(_ scalar: Unicode.Scalar) -> Bool {
        switch scalar.value {
        case 0x09, 0x0A: false
        case 0x00...0x1F, 0x7F...0x9F, 0x061C, 0x200E, 0x200F, 0x2028...0x202E, 0x2066...0x2069, 0xFEFF, 0xFFF9...0xFFFB: true
        default: false
        }
    }
}
