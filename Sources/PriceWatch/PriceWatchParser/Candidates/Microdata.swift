import DynamicJSON
import HTMLDocument

/// Turns a page's microdata into schema.org objects as JSON-LD has them.
///
/// Items may refer to each other's elements (`itemref`), so that a small page can ask for the same text again and again. What is read is counted,
/// and reading ends at the bounds, with what it has until then.
struct Microdata {
    /// What reading may cost.
    struct Limits {
        /// More elements than this are not looked at, however items refer to each other.
        var elements = 50_000
        /// The most bytes of one value; the rest of a text is cut off.
        var valueBytes = 10_000
        /// The most bytes read in all: each byte of the largest page once, and no more.
        var bytes = 8 << 20
    }

    private let document: HTMLDocument
    private let limits: Limits
    private var byID: [String: HTMLNode]?
    /// Elements that were looked at.
    private(set) var visited = 0
    /// Bytes of attributes and texts that were read.
    private(set) var bytesRead = 0

    init(_ document: HTMLDocument, limits: Limits = Limits()) {
        self.document = document
        self.limits = limits
    }

    /// The page's items that are no other item's property.
    static func items(in document: HTMLDocument) throws -> [JSONValue] {
        var reader = Microdata(document)
        return try reader.items()
    }

    mutating func items() throws -> [JSONValue] {
        var items: [JSONValue] = []
        for node in try document.nodes("//*[@itemscope][not(@itemprop)]").prefix(1000) where !isSpent { items.append(try item(node, depth: 0)) }
        return items
    }

    private var isSpent: Bool { visited >= limits.elements || bytesRead >= limits.bytes }

    private mutating func item(_ node: HTMLNode, depth: Int) throws -> JSONValue {
        var members: [String: [JSONValue]] = [:]
        members["@type"] = words("itemtype", of: node).map { .string($0) }
        if let id = attribute("itemid", of: node) { members["@id"] = [.string(id)] }
        var pending = Array(node.children.reversed())
        for id in words("itemref", of: node) {
            if let other = try element(id) { pending.append(other) }
        }
        while !isSpent, let next = pending.popLast() {
            visited += 1
            let names = words("itemprop", of: next)
            let isItem = next.attribute("itemscope") != nil
            if !names.isEmpty {
                let value = isItem && depth < 8 ? try item(next, depth: depth + 1) : value(of: next)
                for name in names { members[name, default: []].append(value) }
            }
            // A nested item keeps its properties to itself.
            if !isItem { pending += next.children.reversed() }
        }
        return .object(members.mapValues { $0.count == 1 ? $0[0] : .array($0) })
    }

    private mutating func element(_ id: String) throws -> HTMLNode? {
        if byID == nil {
            byID = Dictionary(try document.nodes("//*[@id]").map { ($0.attribute("id") ?? "", $0) }, uniquingKeysWith: { first, _ in first })
        }
        return byID?[id]
    }

    private mutating func value(of node: HTMLNode) -> JSONValue {
        if let content = attribute("content", of: node) { return .string(content) }
        let name: String? =
            switch node.name {
            case "a", "link", "area": "href"
            case "img", "source", "embed", "iframe", "video", "audio": "src"
            case "object": "data"
            case "time": "datetime"
            case "data", "meter": "value"
            default: nil
            }
        if let text = name.flatMap({ attribute($0, of: node) }) { return .string(text) }
        let text = node.text(atMost: limits.valueBytes)
        bytesRead += text.utf8.count
        return .object([SchemaNode.textKey: .string(text)])
    }

    /// An attribute's beginning; all of it counts as read.
    private mutating func attribute(_ name: String, of node: HTMLNode) -> String? {
        guard let text = node.attribute(name) else { return nil }
        bytesRead += text.utf8.count
        return text.cut(toBytes: limits.valueBytes)
    }

    /// The different words of an attribute, at most 50.
    private mutating func words(_ name: String, of node: HTMLNode) -> [String] {
        guard let text = attribute(name, of: node) else { return [] }
        var seen: Set<String> = []
        return text.split(whereSeparator: \.isWhitespace).prefix(50).map(String.init).filter { seen.insert($0).inserted }
    }
}

extension String {
    /// The beginning of the text: so many bytes of UTF-8 at most, cut between two Unicode scalars. A character may be of any size, so that a bound
    /// in characters is none.
    func cut(toBytes most: Int) -> String {
        guard utf8.count > most else { return self }
        var end = utf8.index(utf8.startIndex, offsetBy: most)
        while utf8[end] & 0xC0 == 0x80 { end = utf8.index(before: end) }
        return String(self[..<end])
    }
}
