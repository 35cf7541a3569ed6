import DynamicJSON

/// A signature taken apart while a plan is made: the members of composite forms are nodes of their own, so that ids are given in place.
///
/// A reference type, because a group in a chain and the header of the chord that it becomes are one thing; it never leaves the planning
/// of one canvas, which is why it need not be sendable. Chunks are read as the group that they stand for.
final class CanvasNode {
    /// What kind of signature this is.
    enum Form {
        /// A plain call, a map or a starmap.
        case task
        /// ``members`` are the steps in running order.
        case chain
        /// ``members`` run side by side.
        case group
        /// The only member is the header, a group; ``body`` gets the results.
        case chord
    }

    let form: Form
    /// The signature without the members of composite forms.
    var signature: Signature
    /// Steps, members, or the header.
    var members: [CanvasNode]
    /// What a chord runs in the end.
    var body: CanvasNode?

    init(_ form: Form, _ signature: Signature, members: [CanvasNode] = [], body: CanvasNode? = nil) {
        self.form = form
        self.signature = signature
        self.members = members
        self.body = body
    }

    /// Takes a signature apart.
    convenience init(_ signature: Signature) throws {
        var rest = signature
        switch try signature.shape {
        case .task, .map, .starmap: self.init(.task, signature)
        case .chain(let steps):
            rest.kwargs["tasks"] = nil
            self.init(.chain, rest, members: try steps.map(CanvasNode.init))
        case .group(let members):
            rest.kwargs["tasks"] = nil
            self.init(.group, rest, members: try members.map(CanvasNode.init))
        case .chord(let header, let body):
            let group = CanvasNode(.group, Signature("celery.group", subtaskType: "group"), members: try header.map(CanvasNode.init))
            // The header's id is the chord's own; a chord that was frozen elsewhere may have it in one place only.
            group.id = signature.options["task_id"]?.stringValue ?? signature.kwargs["header"]?["options"]?["task_id"]?.stringValue
            rest.kwargs["header"] = nil
            rest.kwargs["body"] = nil
            self.init(.chord, rest, members: [group], body: try CanvasNode(body))
        case .chunks(let task, let items, let size):
            var group = Signature("celery.group", options: signature.options, subtaskType: "group")
            group.extra = signature.extra
            let parts = stride(from: 0, to: items.count, by: size).map { Array(items[$0..<min($0 + size, items.count)]) }
            self.init(.group, group, members: parts.map { CanvasNode(.task, .starmap(task, over: $0)) })
        }
    }

    /// A chord over a group.
    static func chord(header: CanvasNode, body: CanvasNode, options: SignatureOptions = [:]) -> CanvasNode {
        CanvasNode(.chord, Signature("celery.chord", kwargs: ["kwargs": [:]], options: options, subtaskType: "chord"), members: [header], body: body)
    }

    /// A copy that shares nothing.
    func copy() -> CanvasNode { CanvasNode(form, signature, members: members.map { $0.copy() }, body: body?.copy()) }

    /// The signature as it travels.
    var json: JSONValue { whole.json }

    /// The signature with its members.
    var whole: Signature {
        var result = signature
        switch form {
        case .task: break
        case .chain, .group: result.kwargs["tasks"] = .array(members.map(\.json))
        case .chord:
            result.kwargs["header"] = header.signature.options.isEmpty ? .array(header.members.map(\.json)) : header.json
            result.kwargs["body"] = body?.json ?? .null
        }
        return result
    }

    /// The header of a chord; an empty group for anything else.
    var header: CanvasNode { members.first ?? CanvasNode(.group, Signature("celery.group", subtaskType: "group")) }

    /// A group without members.
    var isEmptyGroup: Bool { form == .group && members.isEmpty }

    /// A chain without steps.
    var isEmptyChain: Bool { form == .chain && members.isEmpty }

    /// The id in its options.
    var id: String? {
        get { self["task_id"]?.stringValue }
        set { self["task_id"] = newValue.map { .string($0) } }
    }

    /// An option; setting `nil` removes it. Reading one that is null answers `nil`.
    subscript(option: String) -> JSONValue? {
        get { signature.options[option].flatMap { $0.isNull ? nil : $0 } }
        set { signature.options[option] = newValue }
    }

    /// How many ends of jobs complete it, seen from a chord whose header it stands in (celery-wire 7.1).
    var leaves: Int {
        switch form {
        case .task: 1
        case .group: members.reduce(0) { $0 + $1.leaves }
        // The last step that counts at all; each is counted once, because chains may be nested deeply.
        case .chain: members.reversed().lazy.map(\.leaves).first { $0 > 0 } ?? 0
        case .chord: body?.leaves ?? 0
        }
    }
}

extension CanvasNode {
    /// The signatures in an option that holds a list, or one alone.
    func list(_ option: String) -> [JSONValue] {
        switch self[option] {
        case .array(let list)?: list
        case .some(let single): [single]
        case nil: []
        }
    }

    /// Adds to an option that holds a list, unless it is there.
    func append(_ value: JSONValue, to option: String) {
        var values = list(option)
        if !values.contains(value) { values.append(value) }
        self[option] = .array(values)
    }

    /// Links a callback as Celery's `link` does: to a chord's body; to a group's first member, which does not give it its result.
    func link(_ callback: JSONValue) {
        switch form {
        case .task, .chain: append(callback, to: "link")
        case .chord: body?.link(callback)
        case .group:
            guard let first = members.first else { return append(callback, to: "link") }
            var immutable = callback
            if case .object(var object) = callback {
                object["immutable"] = true
                immutable = .object(object)
            }
            first.link(immutable)
        }
    }

    /// Links an errback as Celery's `link_error` does: to every member of a group; to a chord's body and to the chords in its header.
    func linkError(_ errback: JSONValue) {
        switch form {
        case .task, .chain: append(errback, to: "link_error")
        case .group: for member in members { member.linkError(errback) }
        case .chord:
            for member in header.members where member.form == .chord { member.linkError(errback) }
            body?.linkError(errback)
        }
    }

    /// The steps of a chain with what was linked to the whole: callbacks to the last step, errbacks to each.
    func unchained() -> [CanvasNode] {
        let steps = members.map { $0.copy() }
        for callback in list("link") { steps.last?.link(callback) }
        for errback in list("link_error") { for step in steps { step.linkError(errback) } }
        return steps
    }

    /// Splits a chord whose body is a chain led by a task: the chord with the chain's first step as its body, and the other steps.
    /// The body is copied into every message of the header, so that it had better be small. `nil` when there is nothing to split.
    func splitBody() -> [CanvasNode]? {
        guard form == .chord, let body, body.form == .chain, let lead = body.members.first, lead.form != .group else { return nil }
        let ownToChain: Set = ["chord", "group_id", "group_index", "link", "link_error", "parent_id", "root_id", "task_id"]
        let chord = copy()
        let steps = body.unchained()
        for (name, value) in body.signature.options.wire where !ownToChain.contains(name) { steps[0][name] = value }
        chord.body = steps[0]
        return [chord] + steps.dropFirst()
    }

    /// Splits the bodies of all chords in a chain, see ``splitBody()``.
    func splitBodies() {
        guard form == .chain else { return }
        var pending = Array(members.reversed())
        members = []
        while let step = pending.popLast() {
            step.splitBodies()
            if let parts = step.splitBody() {
                pending.append(contentsOf: parts.reversed())
            } else {
                members.append(step)
            }
        }
    }

    /// Removes the body from the header's members of chords that wait for their turn: it stands in the chord itself, and is given to
    /// the members when they are sent.
    func stripPendingHeaders() {
        if form == .chord { header.clearChord() }
        for member in members { member.stripPendingHeaders() }
        body?.stripPendingHeaders()
    }

    /// Removes the chord that the last jobs of this node report to.
    private func clearChord() {
        self["chord"] = nil
        switch form {
        case .task: break
        case .group: for member in members { member.clearChord() }
        case .chain: members.last?.clearChord()
        case .chord: body?.clearChord()
        }
    }
}
