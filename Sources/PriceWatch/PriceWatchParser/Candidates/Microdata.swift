import DynamicJSON
import HTMLDocument

/// Turns a page's microdata into schema.org objects as JSON-LD has them.
struct Microdata {
    /// More elements than this are not looked at, however items refer to each other.
    static let mostElements = 50_000

    private let document: HTMLDocument
    private var visited = 0
    private var byID: [String: HTMLNode]?

    init(_ document: HTMLDocument) {
        self.document = document
    }

    /// The page's items that are no other item's property.
    static func items(in document: HTMLDocument) throws -> [JSONValue] {
        var reader = Microdata(document)
        var items: [JSONValue] = []
        for node in try document.nodes("//*[@itemscope][not(@itemprop)]").prefix(1000) {
            items.append(try reader.item(node, depth: 0))
        }
        return items
    }

    private mutating func item(_ node: HTMLNode, depth: Int) throws -> JSONValue {
        var members: [String: [JSONValue]] = [:]
        members["@type"] = words(node.attribute("itemtype")).map { .string($0) }
        if let id = node.attribute("itemid") { members["@id"] = [.string(id)] }
        var pending = Array(node.children.reversed())
        for id in words(node.attribute("itemref")).prefix(50) {
            if let other = try element(id) { pending.append(other) }
        }
        while let next = pending.popLast(), visited < Self.mostElements {
            visited += 1
            let names = words(next.attribute("itemprop"))
            let isItem = next.attribute("itemscope") != nil
            if !names.isEmpty {
                let value = isItem && depth < 8 ? try item(next, depth: depth + 1) : Self.value(of: next)
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

    private static func value(of node: HTMLNode) -> JSONValue {
        if let content = node.attribute("content") { return .string(content) }
        let attribute: String? =
            switch node.name {
            case "a", "link", "area": node.attribute("href")
            case "img", "source", "embed", "iframe", "video", "audio": node.attribute("src")
            case "object": node.attribute("data")
            case "time": node.attribute("datetime")
            case "data", "meter": node.attribute("value")
            default: nil
            }
        if let attribute { return .string(attribute) }
        return .object([SchemaNode.textKey: .string(String(node.text.prefix(5000)))])
    }

    private func words(_ text: String?) -> [String] {
        (text ?? "").split(whereSeparator: \.isWhitespace).prefix(50).map(String.init)
    }
}
