import DynamicJSON

/// Says which stamps the parts of a canvas get: Celery's stamping visitors.
///
/// A stamp is a name and a value that a job carries in its headers (`stamps`); jobs can be revoked by their stamps. What a composite
/// form gets is handed on to everything in it. Stamps are put on by the sender: what a job sends itself has only its own.
///
/// ```swift
/// struct ByTenant: StampVisitor {
///     var tenant: String
///     func task(_ signature: Signature) -> [String: JSONValue] { ["tenant": .string(tenant)] }
/// }
/// let canvas = try Signature.group(checks).stamped(by: ByTenant(tenant: "acme"))
/// ```
///
/// Of stamps with the same name, what came from further out is kept before what a visitor answers for a part, and that before what
/// the part had already; with `appending` all are kept, in a list.
public protocol StampVisitor: Sendable {
    /// The stamps of one call. Default: none.
    func task(_ signature: Signature) -> [String: JSONValue]
    /// The stamps of a chain's steps. Default: none.
    func chain(_ signature: Signature) -> [String: JSONValue]
    /// The stamps of a group's members. Default: none.
    func group(_ signature: Signature) -> [String: JSONValue]
    /// The stamps of the members of a chord's header, and of its body. Default: none.
    func chordHeader(_ signature: Signature) -> [String: JSONValue]
    /// The stamps of a chord's body alone. Default: none.
    func chordBody(_ signature: Signature) -> [String: JSONValue]
    /// The stamps of a callback. Default: none.
    func callback(_ signature: Signature) -> [String: JSONValue]
    /// The stamps of an errback. Default: none.
    func errback(_ signature: Signature) -> [String: JSONValue]
}

extension StampVisitor {
    public func task(_ signature: Signature) -> [String: JSONValue] { [:] }
    public func chain(_ signature: Signature) -> [String: JSONValue] { [:] }
    public func group(_ signature: Signature) -> [String: JSONValue] { [:] }
    public func chordHeader(_ signature: Signature) -> [String: JSONValue] { [:] }
    public func chordBody(_ signature: Signature) -> [String: JSONValue] { [:] }
    public func callback(_ signature: Signature) -> [String: JSONValue] { [:] }
    public func errback(_ signature: Signature) -> [String: JSONValue] { [:] }
}

extension Signature {
    /// The signature with the stamps that a visitor gives to its parts.
    ///
    /// - Throws: ``ApiumError`` `malformedMessage` when a part is no signature.
    public func stamped(by visitor: some StampVisitor, _ stamps: [String: JSONValue] = [:], appending: Bool = false) throws -> Signature {
        let node = try CanvasNode(self)
        try Stamping(visitor: visitor, appends: appending).stamp(node, stamps)
        return node.whole
    }

    /// The signature with the same stamps on all its parts, its callbacks and errbacks.
    ///
    /// - Throws: ``ApiumError`` `malformedMessage` when a part is no signature.
    public func stamped(_ stamps: [String: JSONValue], appending: Bool = false) throws -> Signature {
        try stamped(by: NoVisitor(), stamps, appending: appending)
    }
}

private struct NoVisitor: StampVisitor {}

/// Walks a canvas and stamps what is sent.
private struct Stamping<Visitor: StampVisitor> {
    let visitor: Visitor
    let appends: Bool

    func stamp(_ node: CanvasNode, _ given: [String: JSONValue]) throws {
        switch node.form {
        case .task:
            try stampLinks(of: node, given)
            let stamps = joined(joined(given, visitor.task(node.whole)), node.stamps)
            for (name, value) in stamps { node[name] = value }
            let known = node["stamped_headers"]?.arrayValue?.compactMap(\.stringValue) ?? []
            node["stamped_headers"] = .array((known + stamps.keys.filter { !known.contains($0) }.sorted()).map { .string($0) })
        case .chain: try stampMembers(of: node, joined(given, visitor.chain(node.whole)))
        case .group: try stampMembers(of: node, joined(given, visitor.group(node.whole)))
        case .chord:
            let stamps = joined(joined(given, visitor.chordHeader(node.whole)), node.stamps)
            try stampLinks(of: node, stamps)
            for member in node.header.members { try stamp(member, stamps) }
            if let body = node.body { try stamp(body, joined(stamps, visitor.chordBody(node.whole))) }
        }
    }

    private func stampMembers(of node: CanvasNode, _ given: [String: JSONValue]) throws {
        let stamps = joined(given, node.stamps)
        try stampLinks(of: node, stamps)
        for member in node.members { try stamp(member, stamps) }
    }

    private func stampLinks(of node: CanvasNode, _ given: [String: JSONValue]) throws {
        try stampLinks(of: node, "link", given, visitor.callback)
        try stampLinks(of: node, "link_error", given, visitor.errback)
    }

    private func stampLinks(of node: CanvasNode, _ option: String, _ given: [String: JSONValue], _ stamps: (Signature) -> [String: JSONValue]) throws {
        guard node[option] != nil else { return }
        node[option] = .array(
            try node.list(option).map { json in
                let link = try CanvasNode(try Signature(json: json))
                try stamp(link, joined(given, stamps(link.whole)))
                return link.json
            })
    }

    /// Both, the first ones kept where names meet; when appending, the values of both in a list.
    private func joined(_ first: [String: JSONValue], _ second: [String: JSONValue]) -> [String: JSONValue] {
        first.merging(second) { kept, other in
            guard appends else { return kept }
            return .array((kept.arrayValue ?? [kept]) + (other.arrayValue ?? [other]))
        }
    }
}

extension CanvasNode {
    /// The stamps it has.
    fileprivate var stamps: [String: JSONValue] {
        var stamps: [String: JSONValue] = [:]
        for name in self["stamped_headers"]?.arrayValue ?? [] { if let name = name.stringValue { stamps[name] = self[name] } }
        return stamps
    }
}
