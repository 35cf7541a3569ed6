import CLibXML2

/// One element of a document; it keeps its document alive.
public struct HTMLNode {
    let document: HTMLDocument
    let pointer: xmlNodePtr

    /// The element's name in lower case.
    public var name: String {
        pointer.pointee.name.map { String(cString: $0).lowercased() } ?? ""
    }

    /// The value of an attribute; nil when there is none, an empty text when it has no value.
    public func attribute(_ name: String) -> String? {
        guard xmlHasProp(pointer, name) != nil else { return nil }
        guard let value = xmlGetProp(pointer, name) else { return "" }
        defer { cxml_free(value) }
        return String(cString: value)
    }

    /// The text of the element and all that is in it, as written; comments left out. Cut at the document's ``HTMLLimits/textBytes``.
    public var text: String { text(atMost: document.limits.textBytes) }

    /// The beginning of ``text``: so many bytes of UTF-8 at most, cut between two Unicode scalars. What lies behind is not read.
    public func text(atMost bytes: Int) -> String {
        var collected: [UInt8] = []
        var walk = TreeWalk(root: pointer)
        // A byte more than asked for tells whether the last character is whole.
        while let node = walk.next(), collected.count <= bytes {
            guard node.pointee.type == XML_TEXT_NODE || node.pointee.type == XML_CDATA_SECTION_NODE, let content = node.pointee.content else { continue }
            let length = min(Int(xmlStrlen(content)), bytes + 1 - collected.count)
            collected.append(contentsOf: UnsafeBufferPointer(start: content, count: length))
        }
        return String(decoding: collected[..<Self.end(of: collected, atMost: bytes)], as: UTF8.self)
    }

    /// Where to cut UTF-8 so that no character is halved.
    static func end(of utf8: [UInt8], atMost bytes: Int) -> Int {
        guard utf8.count > bytes else { return utf8.count }
        var end = max(bytes, 0)
        while end > 0, utf8[end] & 0xC0 == 0x80 { end -= 1 }
        return end
    }

    /// The element around this one.
    public var parent: HTMLNode? {
        guard let parent = pointer.pointee.parent, parent.pointee.type == XML_ELEMENT_NODE else { return nil }
        return HTMLNode(document: document, pointer: parent)
    }

    /// The elements directly in this one.
    public var children: [HTMLNode] {
        var found: [HTMLNode] = []
        var next = pointer.pointee.children
        while let node = next {
            if node.pointee.type == XML_ELEMENT_NODE { found.append(HTMLNode(document: document, pointer: node)) }
            next = node.pointee.next
        }
        return found
    }

    /// The elements that the expression selects, seen from this one (`.//span`).
    /// - Throws: ``HTMLError`` with code `badXPath`.
    public func nodes(_ xpath: String) throws(HTMLError) -> [HTMLNode] {
        try document.nodes(xpath, from: pointer)
    }

    /// Whether both are the same element of the same document.
    public func isSame(as other: HTMLNode) -> Bool {
        pointer == other.pointer
    }
}

/// Visits a node and all below it in document order, without recursion: a page's depth must not be the stack's.
struct TreeWalk {
    private let root: xmlNodePtr
    private var current: xmlNodePtr?

    init(root: xmlNodePtr) {
        self.root = root
        current = root
    }

    mutating func next() -> xmlNodePtr? {
        guard let node = current else { return nil }
        current = following(node)
        return node
    }

    private func following(_ node: xmlNodePtr) -> xmlNodePtr? {
        // An entity reference's children are the entity's, and attributes are no children.
        if node.pointee.type == XML_ELEMENT_NODE, let child = node.pointee.children { return child }
        var place = node
        while place != root {
            if let next = place.pointee.next { return next }
            guard let parent = place.pointee.parent else { return nil }
            place = parent
        }
        return nil
    }
}
