import DynamicJSON

/// Makes one plan: walks a canvas, gives ids, and collects the chords and messages. The rules are those of celery-wire 8.
struct Planner {
    let dispatcher: Dispatcher
    /// The job that sends.
    let sender: Dispatcher.Sender?
    private(set) var plan = DispatchPlan()
    /// The result tuples of headers that hold groups, which have to be saved.
    private var savedGroups: [String: JSONValue] = [:]

    init(_ dispatcher: Dispatcher, sender: Dispatcher.Sender?) {
        self.dispatcher = dispatcher
        self.sender = sender
    }

    /// What a signature is called with: Celery's arguments of `apply_async`.
    struct Call {
        var args: [JSONValue] = []
        var kwargs: [String: JSONValue] = [:]
        var options: [String: JSONValue] = [:]
        /// Whether what is sent is a child of the sender: not the members of a group, which are children as one.
        var isChild = true
    }

    /// Sends a signature; answers its result, or `nil` when there was nothing to send.
    mutating func apply(_ node: CanvasNode, _ call: Call) throws -> ResultNode? {
        var call = call
        call.options = call.options.filter { !$0.value.isNull }
        switch node.form {
        case .task: return try applyTask(node, call)
        case .chain: return try applyChain(node, call)
        case .group: return try applyGroup(node, call)
        case .chord: return try applyChord(node, call)
        }
    }

    // MARK: One call

    private mutating func applyTask(_ node: CanvasNode, _ call: Call) throws -> ResultNode {
        let merged = node.signature.completed(call)
        let outgoing = try dispatcher.outgoing(merged, sender: sender)
        plan.messages.append(outgoing)
        let result = ResultNode(outgoing.message.id)
        track(result, call, merged.options.wire)
        return result
    }

    /// Notes a child of the sender, unless the signature itself says that it is none (`add_to_parent`).
    private mutating func track(_ result: ResultNode, _ call: Call, _ options: [String: JSONValue] = [:]) {
        if call.isChild, options["add_to_parent"] != false { plan.children.append(result.tuple) }
    }

    // MARK: Chain

    private mutating func applyChain(_ node: CanvasNode, _ call: Call) throws -> ResultNode? {
        var options = node.signature.options.said.merging(call.options) { $1 }
        let own = node.signature
        var steps = Steps(rootID: options["root_id"]?.stringValue)
        steps.args = call.args.isEmpty || own.immutable ? own.args : call.args + own.args
        steps.kwargs = call.kwargs
        steps.errbacks = options.signatures("link_error")
        steps.last = Freezing(
            id: options["task_id"]?.stringValue, groupID: options["group_id"]?.stringValue, chord: options["chord"],
            groupIndex: options["group_index"])
        let prepared = prepare(node.members.map { $0.copy() }, steps, sending: true)
        guard let first = prepared.nodes.first, let result = prepared.results.last else { return nil }
        for callback in options.signatures("link") { prepared.nodes.last?.append(callback, to: "link") }
        for name in ["task_id", "group_id", "group_index", "chord", "link", "link_error", "root_id", "parent_id"] { options[name] = nil }
        let rest = prepared.nodes.dropFirst().reversed().map(\.json)
        options["chain"] = .array((options["chain"]?.arrayValue ?? []) + rest)
        let sent = try apply(first, Call(options: options, isChild: call.isChild))
        return rest.isEmpty ? sent : result
    }

    // MARK: Group

    private mutating func applyGroup(_ node: CanvasNode, _ call: Call) throws -> ResultNode? {
        guard call.options["link"] == nil, call.options["link_error"] == nil else {
            throw ApiumError(.badArguments, "a group as a whole cannot be linked to anything: make it a chord, or link its members")
        }
        guard node.leaves > 0 else { return freeze(node, Freezing()) }
        if let chord = try Self.chord(of: node, call) { return try applyChord(chord.node, chord.call) }
        var options = node.signature.merged(options: call.options)
        let id = options.removeValue(forKey: "task_id")?.stringValue ?? dispatcher.makeID()
        options["group_id"] = .string(id)
        options["group_index"] = nil
        let chord = options.removeValue(forKey: "chord")
        var members: [(node: CanvasNode, result: ResultNode)] = []
        flatten(node.members, group: id, rootID: options["root_id"]?.stringValue, into: &members)
        let args = call.args.isEmpty ? node.signature.args : call.args + node.signature.args
        for (index, member) in members.enumerated() {
            // As Celery: before the last one, because parts of a header that is being sent again may come in until then.
            if index == members.count - 1 { openChord(id, members.map(\.node), chord: chord) }
            var memberOptions = options
            memberOptions["chord"] = chord ?? member.node["chord"]
            _ = try apply(member.node, Call(args: args, kwargs: call.kwargs, options: memberOptions, isChild: false))
        }
        var result = ResultNode(id, members: members.map(\.result))
        // A group of one chain that ends in a group stands for that group.
        if members.count == 1, members[0].result.members != nil { result = members[0].result }
        track(result, call, options)
        return result
    }

    /// The members of a group and of the groups in it; the index of each is its place in its own group, as Celery has it.
    private func flatten(_ nodes: [CanvasNode], group: String, rootID: String?, into members: inout [(node: CanvasNode, result: ResultNode)]) {
        for (index, node) in nodes.enumerated() where !node.isEmptyChain {
            if node.form == .group {
                flatten(node.members, group: group, rootID: rootID, into: &members)
            } else {
                let member = node.copy()
                members.append((member, freeze(member, Freezing(groupID: group, rootID: rootID, groupIndex: .int(Int64(index))))))
            }
        }
    }

    /// Writes down the size of the chord whose header this group is. A group at the end of a chain in a header reports to the outer
    /// group, which was counted when that was sent.
    private mutating func openChord(_ group: String, _ members: [CanvasNode], chord: JSONValue?) {
        guard let last = members.last, chord ?? last["chord"] != nil, last.reportedGroup == group else { return }
        plan.chords.append(ChordSetup(group: group, size: members.reduce(0) { $0 + $1.leaves }, savedGroup: savedGroups[group]))
    }

    // MARK: Chord

    private mutating func applyChord(_ node: CanvasNode, _ call: Call) throws -> ResultNode? {
        guard let original = node.body else { throw ApiumError(.malformedMessage, "a chord without a body cannot be sent") }
        let own = node.signature
        // A group that is said to be none stays none: the body is then not made one of the header's group.
        let options = own.options.wire.filter { !$0.value.isNull || $0.key == "group_id" }.merging(call.options) { $1 }
        let delay = options.filter { $0.key == "countdown" || $0.key == "eta" }
        let common = options.filter { !["countdown", "eta", "link", "link_error", "task_id"].contains($0.key) }

        let rootID = call.options["root_id"]?.stringValue ?? original["root_id"]?.stringValue
        let body = original.copy()
        for callback in options.signatures("link") { body.link(callback) }
        for errback in options.signatures("link_error") { body.addErrback(errback) }
        // The member of the header that comes last is the body's parent.
        for (name, value) in common where name != "parent_id" { body[name] = value }
        body.splitBodies()

        let header = node.header.copy()
        let group = header.id ?? own.options["task_id"]?.stringValue ?? dispatcher.makeID()
        header.id = group
        let bodyResult = freeze(body, Freezing(id: options["task_id"]?.stringValue, groupID: group, rootID: rootID))
        body.stripPendingHeaders()
        let bodyJSON = body.json
        let headerResult = freeze(header, Freezing(groupID: group, chord: bodyJSON, rootID: rootID))
        bodyResult.first.parent = headerResult

        var args = call.args.isEmpty || own.immutable ? own.args : call.args + own.args
        guard !header.members.isEmpty else {
            args = [[]]
            _ = try apply(body, Call(args: args, isChild: call.isChild))
            return bodyResult
        }
        if headerResult.members?.contains(where: { $0.members != nil }) == true { savedGroups[group] = headerResult.tuple.json }
        var headerOptions = common.filter { !["chain", "chord", "group_id"].contains($0.key) }
        headerOptions.merge(delay) { $1 }
        headerOptions["task_id"] = .string(group)
        let kwargs = (own.kwargs["kwargs"]?.objectValue ?? [:]).merging(call.kwargs) { $1 }
        _ = try apply(header, Call(args: args, kwargs: kwargs, options: headerOptions, isChild: call.isChild))
        return bodyResult
    }

    /// Ends the plan.
    mutating func finished(_ result: ResultNode?) -> DispatchPlan {
        plan.result = result?.tuple
        return plan
    }
}

extension CanvasNode {
    /// The group that the last job of this node reports to, once it is frozen.
    fileprivate var reportedGroup: String? {
        switch form {
        case .task, .group: self["group_id"]?.stringValue
        case .chain: members.last?.reportedGroup
        case .chord: body?.reportedGroup
        }
    }

    /// Adds an errback of a chord to its body: to the members of a group, unless the group has errbacks of its own, which replace its
    /// members' when it is sent.
    fileprivate func addErrback(_ errback: JSONValue, runsAsGroup: Bool = true) {
        switch form {
        case .group where runsAsGroup && self["link_error"] != nil: append(errback, to: "link_error")
        case .group: for member in members { member.addErrback(errback, runsAsGroup: false) }
        case .chord: body?.addErrback(errback)
        case .task, .chain: append(errback, to: "link_error")
        }
    }
}

extension [String: JSONValue] {
    /// The signatures in an option that holds a list, or one alone.
    func signatures(_ option: String) -> [JSONValue] {
        switch self[option] {
        case .array(let list)?: list
        case .null?, nil: []
        case .some(let single): [single]
        }
    }
}

extension Signature {
    /// Options given at the call take the place of own ones, except what would stall others or lose stamps (celery-wire 8.1).
    func merged(options given: [String: JSONValue]) -> [String: JSONValue] {
        var kept: Set = ["group_id"]
        if let stamps = options["stamped_headers"]?.arrayValue { kept.formUnion(["stamped_headers"] + stamps.compactMap(\.stringValue)) }
        let own = options.said
        return own.merging(given) { $1 }.merging(own.filter { kept.contains($0.key) }) { $1 }
    }

    /// The signature with the arguments and options of a call.
    func completed(_ call: Planner.Call) -> Signature {
        var result = self
        result.options = SignatureOptions(merged(options: call.options))
        // Maps run over their own items, whatever comes.
        guard !immutable, subtaskType == nil else { return result }
        result.args = call.args + args
        result.kwargs.merge(call.kwargs) { $1 }
        return result
    }
}
