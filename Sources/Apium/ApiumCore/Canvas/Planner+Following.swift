import DynamicJSON

extension Planner {
    /// A group with more of a chain behind it, as the chord that it becomes when a chain is built: the next step is the body and gets the
    /// list of results, so that the rest runs once, and not once for each member. `nil` when nothing is behind it, or it reports to a
    /// chord already; a group of one stands for its member.
    ///
    /// Chains are prepared when they are sent, so this is met where a chord's body is a group and the chain goes on, and in messages
    /// that somebody made by hand. Celery's worker runs the rest once per member there.
    static func chord(of group: CanvasNode, _ call: Call) throws -> (node: CanvasNode, call: Call)? {
        var options = group.signature.merged(options: call.options)
        guard group.members.count > 1, options["chord"] == nil, var rest = options["chain"]?.arrayValue, let next = rest.popLast() else { return nil }
        let header = CanvasNode(.group, Signature("celery.group", subtaskType: "group"), members: group.members.map { $0.copy() })
        header.id = options["task_id"]?.stringValue
        header.leaveGroup()
        for name in ["task_id", "group_id", "group_index", "chain"] { options[name] = nil }
        if !rest.isEmpty { options["chain"] = .array(rest) }
        var inner = call
        inner.args = call.args + group.signature.args
        inner.options = options
        return (.chord(header: header, body: try CanvasNode(try Signature(json: next))), inner)
    }
}

extension CanvasNode {
    /// Forgets the group that the last jobs of this node are in, so that they can be given another.
    fileprivate func leaveGroup() {
        self["group_id"] = nil
        switch form {
        case .task: break
        case .group: for member in members { member.leaveGroup() }
        case .chain: members.last?.leaveGroup()
        case .chord: body?.leaveGroup()
        }
    }
}
