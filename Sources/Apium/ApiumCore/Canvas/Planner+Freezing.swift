import DynamicJSON

extension Planner {
    /// What freezing gives to a signature (celery-wire 8.3).
    struct Freezing {
        /// The id, if it has none.
        var id: String?
        /// The group, unless it is said which it is in, or with a null that it is in none.
        var groupID: String?
        /// The body of the chord that it reports to.
        var chord: JSONValue?
        var rootID: String?
        var parentID: String?
        var groupIndex: JSONValue?
    }

    /// Gives ids to a signature and to everything in it, in place; answers its result.
    func freeze(_ node: CanvasNode, _ given: Freezing) -> ResultNode {
        switch node.form {
        case .task: return freezeTask(node, given)
        case .group: return freezeGroup(node, given)
        case .chord: return freezeChord(node, given)
        case .chain:
            var steps = Steps(rootID: given.rootID)
            steps.args = node.signature.args
            steps.last = given
            let prepared = prepare(node.members, steps, sending: false)
            node.signature.args = []
            let result = prepared.results.last ?? ResultNode(given.id ?? dispatcher.makeID())
            node.id = result.id
            return result
        }
    }

    private func freezeTask(_ node: CanvasNode, _ given: Freezing) -> ResultNode {
        let id = node.id ?? given.id ?? dispatcher.makeID()
        node.id = id
        if let root = given.rootID { node["root_id"] = .string(root) }
        if let parent = given.parentID { node["parent_id"] = .string(parent) }
        if let group = given.groupID, node.signature.options["group_id"] == nil { node["group_id"] = .string(group) }
        if let chord = given.chord { node["chord"] = chord }
        if let index = given.groupIndex { node["group_index"] = index }
        return ResultNode(id)
    }

    /// A group's own id is never the given one: that is the id of a job. Groups in it are flattened; Celery takes those from their last
    /// member to their first, so that is the order of a chord's list.
    private func freezeGroup(_ node: CanvasNode, _ given: Freezing) -> ResultNode {
        let id = node.id ?? dispatcher.makeID()
        node.id = id
        if let group = given.groupID { node["group_id"] = .string(group) }
        if let chord = given.chord { node["chord"] = chord }
        if let index = given.groupIndex { node["group_index"] = index }
        if node["root_id"] == nil, let root = given.rootID { node["root_id"] = .string(root) }
        if node["parent_id"] == nil, let parent = given.parentID { node["parent_id"] = .string(parent) }

        var flat: [CanvasNode] = []
        var stack = Array(node.members.reversed())
        while let member = stack.popLast() {
            if member.form == .group {
                stack.append(contentsOf: member.members)
            } else if !member.isEmptyChain {
                flat.append(member)
            }
        }
        node.members = flat
        var inner = Freezing(
            groupID: given.groupID, chord: given.chord, rootID: node["root_id"]?.stringValue, parentID: node["parent_id"]?.stringValue)
        return ResultNode(
            id,
            members: flat.enumerated().map { index, member in
                inner.groupIndex = .int(Int64(index))
                return freeze(member, inner)
            })
    }

    /// The header's members get the body when they are sent, because it stands in the chord until then.
    private func freezeChord(_ node: CanvasNode, _ given: Freezing) -> ResultNode {
        let header = freeze(node.header, Freezing(rootID: given.rootID, parentID: given.parentID))
        node.id = header.id
        guard let body = node.body else { return header }
        var outer = given
        outer.parentID = nil
        let result = freeze(body, outer)
        result.first.parent = header
        return result
    }

    // MARK: Chains

    /// What the steps of a chain get.
    struct Steps {
        /// For the first step.
        var args: [JSONValue] = []
        /// For the first step.
        var kwargs: [String: JSONValue] = [:]
        /// For every step.
        var rootID: String?
        /// For every step.
        var errbacks: [JSONValue] = []
        /// For the last step, which is what the chain's result and its place in a group are.
        var last = Freezing()

        init(rootID: String?) { self.rootID = rootID }
    }

    /// Freezes the steps of a chain (celery-wire 8.4): chains in it are spliced, groups followed by a step become chords, empty groups are
    /// skipped. Answers the steps that are left and their results, in running order; each result is the parent of the next.
    ///
    /// - Parameter sending: whether the nodes are copies about to be sent, which are made small; else they keep the form in which they
    ///   were written.
    func prepare(_ nodes: [CanvasNode], _ steps: Steps, sending: Bool) -> (nodes: [CanvasNode], results: [ResultNode]) {
        let flat = spliced(nodes, sending: sending)
        if let first = flat.first { first.take(steps.args, steps.kwargs) }
        var prepared: [CanvasNode] = []
        var results: [ResultNode] = []
        for (index, step) in flat.enumerated().reversed() {
            var node = step
            if node.form == .group, let next = prepared.popLast(), let nextResult = results.popLast() {
                node = upgraded(step, before: next, rootID: steps.rootID)
                node.signature.args = step.signature.args
                // The result of the body is made anew with the chord's: the rest of the chain hangs on that.
                results.last.map { rest in rest.unhook(nextResult) }
            }
            var given = index == flat.count - 1 ? steps.last : Freezing()
            given.rootID = steps.rootID
            let result = freeze(node, given)
            if node !== step {
                step.id = node.header.id
                step.members = node.header.members
            }
            results.last?.first.parent = result
            for errback in steps.errbacks {
                node.linkError(errback)
                if node.form == .chord { node.body?.linkError(errback) }
            }
            prepared.append(node)
            results.append(result)
        }
        if sending { for node in prepared { node.stripPendingHeaders() } }
        return (prepared.reversed(), results.reversed())
    }

    /// `group | step` as a chord.
    private func upgraded(_ group: CanvasNode, before next: CanvasNode, rootID: String?) -> CanvasNode {
        let header = CanvasNode(.group, Signature("celery.group", subtaskType: "group"), members: group.members)
        header.id = group.id
        let chord = CanvasNode.chord(header: header, body: next)
        if let rootID { chord["root_id"] = .string(rootID) }
        return chord
    }

    /// The steps without chains, groups of one and empty groups among them. A chain of nothing but empty groups keeps one, so that it has
    /// a result.
    private func spliced(_ nodes: [CanvasNode], sending: Bool) -> [CanvasNode] {
        var pending = Array(nodes.reversed())
        var steps: [CanvasNode] = []
        var empty: CanvasNode?
        while let step = pending.popLast() {
            if step.form == .group, step.members.count == 1 {
                pending.append(step.members[0])
            } else if step.form == .chain {
                for callback in step.list("link") { step.members.last?.link(callback) }
                for errback in step.list("link_error") { for member in step.members { member.linkError(errback) } }
                pending.append(contentsOf: step.members.reversed())
            } else if step.isEmptyGroup {
                empty = step
            } else if sending, let parts = step.splitBody() {
                pending.append(contentsOf: parts.reversed())
            } else {
                steps.append(step)
            }
        }
        return steps.isEmpty ? empty.map { [$0] } ?? [] : steps
    }
}

extension CanvasNode {
    /// Takes the arguments that a chain gives to its first step.
    fileprivate func take(_ args: [JSONValue], _ kwargs: [String: JSONValue]) {
        guard !signature.immutable else { return }
        signature.args = args + signature.args
        if form == .task { signature.kwargs.merge(kwargs) { $1 } }
    }
}

extension ResultNode {
    /// Takes a result that has been replaced out of the line of parents.
    fileprivate func unhook(_ replaced: ResultNode) {
        var node = self
        while let parent = node.parent {
            if parent === replaced {
                node.parent = nil
                return
            }
            node = parent
        }
    }
}
