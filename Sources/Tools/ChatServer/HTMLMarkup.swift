import Foundation

/// Telegram's HTML mode: a short list of tags, five kinds of character reference, everything else refused with the words and the byte offset that
/// Telegram gives.
struct HTMLMarkup {
    private struct OpenTag {
        var name: String
        var type: String
        var closing: String
        var start: Int
        var url: String?
    }

    private static let types = [
        "b": "bold", "strong": "bold", "i": "italic", "em": "italic", "u": "underline", "ins": "underline", "s": "strikethrough",
        "strike": "strikethrough", "del": "strikethrough", "code": "code", "pre": "pre", "a": "text_link", "span": "spoiler", "tg-spoiler": "spoiler",
        "blockquote": "blockquote", "tg-emoji": "custom_emoji",
    ]

    private let bytes: [UInt8]
    private var position = 0
    private var plain = ""
    private var html = ""
    private var open: [OpenTag] = []
    private var entities: [FormattedText.Entity] = []

    init(_ text: String) { bytes = Array(text.trimmingCharacters(in: .whitespacesAndNewlines).utf8) }

    mutating func parse() throws -> FormattedText {
        var literal: [UInt8] = []
        while position < bytes.count {
            switch bytes[position] {
            case UInt8(ascii: "<"):
                append(&literal)
                try tag()
            case UInt8(ascii: "&"):
                if let character = reference() {
                    literal += Array(String(character).utf8)
                } else {
                    literal.append(bytes[position])
                    position += 1
                }
            default:
                literal.append(bytes[position])
                position += 1
            }
        }
        append(&literal)
        if let left = open.last { throw failure("Can't find end tag corresponding to start tag \"\(left.name)\"") }
        for entity in FormattedText.detected(in: plain)
        where !entities.contains(where: { $0.offset < entity.offset + entity.length && entity.offset < $0.offset + $0.length }) {
            entities.append(entity)
        }
        return FormattedText(plain: plain, html: html, entities: entities.sorted { $0.offset < $1.offset })
    }

    private mutating func append(_ literal: inout [UInt8]) {
        let text = String(decoding: literal, as: UTF8.self)
        plain += text
        html += FormattedText.escape(text)
        literal.removeAll(keepingCapacity: true)
    }

    private func failure(_ reason: String) -> BotAPIError { .breach("can't parse entities: \(reason)") }

    /// `&lt; &gt; &amp; &quot;` and numeric references; anything else stays as it is written.
    private mutating func reference() -> Unicode.Scalar? {
        guard let end = bytes[position...].prefix(12).firstIndex(of: UInt8(ascii: ";")) else { return nil }
        let name = String(decoding: bytes[(position + 1)..<end], as: UTF8.self)
        let scalar: Unicode.Scalar?
        switch name {
        case "lt": scalar = "<"
        case "gt": scalar = ">"
        case "amp": scalar = "&"
        case "quot": scalar = "\""
        case _ where name.hasPrefix("#x"): scalar = UInt32(name.dropFirst(2), radix: 16).flatMap(Unicode.Scalar.init)
        case _ where name.hasPrefix("#"): scalar = UInt32(name.dropFirst()).flatMap(Unicode.Scalar.init)
        default: scalar = nil
        }
        if scalar != nil { position = end + 1 }
        return scalar
    }

    private mutating func tag() throws {
        let start = position
        guard let end = bytes[start...].firstIndex(of: UInt8(ascii: ">")) else { throw failure("Unclosed start tag at byte offset \(start)") }
        let inside = String(decoding: bytes[(start + 1)..<end], as: UTF8.self)
        position = end + 1
        if inside.hasPrefix("/") {
            try close(inside.dropFirst().trimmingCharacters(in: .whitespaces).lowercased(), at: start)
        } else {
            try begin(inside, at: start)
        }
    }

    private mutating func begin(_ inside: String, at start: Int) throws {
        let name = String(inside.prefix { !$0.isWhitespace }).lowercased()
        guard let type = Self.types[name] else { throw failure("Unsupported start tag \"\(name)\" at byte offset \(start)") }
        let attributes = try attributes(String(inside.dropFirst(name.count)), of: name, at: start)
        var tag = OpenTag(name: name, type: type, closing: "</\(name)>", start: plain.utf16.count)
        var opening = "<\(name)>"
        switch name {
        case "span" where attributes["class"] != "tg-spoiler":
            throw failure("Tag \"span\" must have class \"tg-spoiler\" at byte offset \(start)")
        case "span", "tg-spoiler": (opening, tag.closing) = ("<span class=\"tg-spoiler\">", "</span>")
        case "tg-emoji": (opening, tag.closing) = ("<span>", "</span>")
        case "a":
            // Telegram drops a link that is none, and keeps its text.
            if let address = attributes["href"], ["http://", "https://", "tg://", "mailto:"].contains(where: { address.lowercased().hasPrefix($0) }) {
                tag.url = address
                opening = "<a href=\"\(FormattedText.escape(address))\" target=\"_blank\" rel=\"noopener noreferrer\">"
            } else {
                (opening, tag.closing, tag.type) = ("", "", "")
            }
        default: break
        }
        html += opening
        open.append(tag)
    }

    private mutating func close(_ name: String, at start: Int) throws {
        guard let tag = open.popLast() else { throw failure("Unexpected end tag at byte offset \(start)") }
        guard name.isEmpty || name == tag.name else {
            throw failure("Unmatched end tag at byte offset \(start), expected \"</\(tag.name)>\", found \"</\(name)>\"")
        }
        html += tag.closing
        let length = plain.utf16.count - tag.start
        if length > 0, !tag.type.isEmpty { entities.append(.init(type: tag.type, offset: tag.start, length: length, url: tag.url)) }
    }

    private func attributes(_ text: String, of name: String, at start: Int) throws -> [String: String] {
        var found: [String: String] = [:]
        var rest = Substring(text).drop(while: \.isWhitespace)
        while !rest.isEmpty {
            let key = rest.prefix { !$0.isWhitespace && $0 != "=" }
            if key.isEmpty { throw failure("Empty attribute name in the tag \"\(name)\" at byte offset \(start)") }
            rest = rest.dropFirst(key.count).drop(while: \.isWhitespace)
            guard rest.first == "=" else {
                if name == "blockquote", key.lowercased() == "expandable" { continue }
                throw failure("Expected equal sign in declaration of an attribute of the tag \"\(name)\" at byte offset \(start)")
            }
            rest = rest.dropFirst().drop(while: \.isWhitespace)
            if let quote = rest.first, quote == "\"" || quote == "'" {
                guard let end = rest.dropFirst().firstIndex(of: quote) else {
                    throw failure("Unclosed start tag \"\(name)\" at byte offset \(start)")
                }
                found[key.lowercased()] = Self.unescape(String(rest[rest.index(after: rest.startIndex)..<end]))
                rest = rest[rest.index(after: end)...]
            } else {
                let value = rest.prefix { !$0.isWhitespace }
                found[key.lowercased()] = Self.unescape(String(value))
                rest = rest.dropFirst(value.count)
            }
            rest = rest.drop(while: \.isWhitespace)
        }
        return found
    }

    private static func unescape(_ text: String) -> String {
        text.replacing("&lt;", with: "<").replacing("&gt;", with: ">").replacing("&quot;", with: "\"").replacing("&amp;", with: "&")
    }
}
