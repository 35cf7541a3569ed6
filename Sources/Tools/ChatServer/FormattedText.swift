import Foundation

/// A message's text after entity parsing: what the reader sees, and the same as HTML that is safe to show in a page.
struct FormattedText: Sendable, Equatable, Codable {
    struct Entity: Sendable, Equatable, Codable {
        var type: String
        /// In UTF-16 units, as everywhere in the Bot API.
        var offset: Int
        var length: Int
        var url: String?

        var json: JSONValue {
            .members(["type": .string(type), "offset": .int(Int64(offset)), "length": .int(Int64(length)), "url": url.map { .string($0) }])
        }
    }

    var plain: String
    /// Only tags that Telegram knows, attributes checked, everything else escaped.
    var html: String
    var entities: [Entity]

    /// Length as Telegram counts it.
    var length: Int { plain.utf16.count }

    /// Text without markup; links, commands and so on in it become entities, as Telegram finds them.
    init(plain text: String) {
        plain = text.trimmingCharacters(in: .whitespacesAndNewlines)
        html = Self.escape(plain)
        entities = Self.detected(in: plain)
    }

    init(plain: String, html: String, entities: [Entity]) {
        self.plain = plain
        self.html = html
        self.entities = entities
    }

    /// Text as a bot sends it.
    /// - Throws: 400 «can't parse entities», or «unsupported parse_mode» for a mode other than HTML: this server knows no Markdown.
    init(_ text: String, parseMode: String?) throws {
        switch parseMode?.lowercased() {
        case nil, "": self.init(plain: text)
        case "html":
            var parser = HTMLMarkup(text)
            self = try parser.parse()
        default: throw BotAPIError.breach("unsupported parse_mode")
        }
    }

    static func escape(_ text: String) -> String {
        // Scalar by scalar: what joins a character to the next hides it from Swift, and not from a browser.
        text.unicodeScalars.reduce(into: "") { result, scalar in
            switch scalar {
            case "&": result += "&amp;"
            case "<": result += "&lt;"
            case ">": result += "&gt;"
            case "\"": result += "&quot;"
            default: result.unicodeScalars.append(scalar)
            }
        }
    }

    /// Commands and links, the two kinds of entity that a text gets without markup and that bots read.
    static func detected(in text: String) -> [Entity] {
        var found: [Entity] = []
        for word in text.split(whereSeparator: \.isWhitespace) {
            let type: String
            let lower = word.lowercased()
            if word.first == "/", word.count > 1, word.dropFirst().allSatisfy({ $0.isLetter || $0.isNumber || $0 == "_" || $0 == "@" }) {
                type = "bot_command"
            } else if lower.hasPrefix("http://") || lower.hasPrefix("https://"), word.count > 8 {
                type = "url"
            } else {
                continue
            }
            found.append(
                Entity(
                    type: type, offset: text.utf16.distance(from: text.startIndex, to: word.startIndex),
                    length: text.utf16.distance(from: word.startIndex, to: word.endIndex)))
        }
        return found
    }
}
