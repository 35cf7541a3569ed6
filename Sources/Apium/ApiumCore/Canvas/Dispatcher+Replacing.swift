import DynamicJSON

/// What a running job may send in its own place or beside it (celery-wire 11).
extension Dispatcher {
    /// Lets a signature take the place of a running job: under its id, with its callbacks and errbacks, its place in a group and a chord,
    /// its stamps, and what is left of its chain. The job itself stores nothing then.
    ///
    /// A group, also one at the end of a chain, answers the list of its results through a last step `celery.accumulate`.
    ///
    /// - Throws: ``JobFailure`` `ImproperlyConfigured` for an empty chain and for a signature that is part of a chord;
    ///   ``ApiumError`` as ``plan(_:with:kwargs:options:sender:)`` does.
    public func replacement(of message: Message, _ arguments: TaskArguments, with signature: Signature) throws -> DispatchPlan {
        var node = try CanvasNode(signature)
        guard node["chord"] == nil else { throw improper("A signature replacing a task must not be part of a chord") }
        guard !node.isEmptyChain else { throw improper("Cannot replace with an empty chain") }
        node = node.answeringAList()
        for callback in arguments.embed.callbacks ?? [] { node.link(callback) }
        for errback in arguments.embed.errbacks ?? [] { node.linkError(errback) }
        if node.form == .chain, let last = node.members.last {
            for callback in node.list("link") { last.append(callback, to: "link") }
            node["link"] = nil
        }
        var planner = Planner(self, sender: Sender(message))
        _ = planner.freeze(node, Planner.Freezing(id: message.id))
        let nesting = JSONValue.int(Int64(message.headers.replacedTaskNesting) + 1)
        node.take(place: message.headers, chord: arguments.embed.chord, nesting: nesting)
        for json in (arguments.embed.chain ?? []).reversed() {
            let step = try CanvasNode(try Signature(json: json))
            step["replaced_task_nesting"] = nesting
            node = node.followed(by: step)
        }
        return planner.finished(try planner.apply(node, Planner.Call()))
    }

    /// A signature that is added to the chord of a running job.
    public struct Addition: Sendable, Hashable {
        /// What to send; beforehand ``parts`` more have to be expected (``ResultBackend/expectMore(_:partsOf:)``).
        public var plan: DispatchPlan
        /// The chord's header.
        public var group: String
        /// How many parts will come.
        public var parts: Int
    }

    /// Plans one more part for the chord that a running job is a part of.
    ///
    /// - Throws: ``JobFailure`` `ValueError` when the job is in no chord; ``ApiumError`` as ``plan(_:with:kwargs:options:sender:)`` does.
    public func addition(of signature: Signature, toChordOf message: Message, _ arguments: TaskArguments) throws -> Addition {
        guard let chord = arguments.embed.chord, let group = message.headers.group else {
            throw JobFailure(type: "ValueError", arguments: ["Current task is not member of any chord"])
        }
        let node = try CanvasNode(signature)
        var planner = Planner(self, sender: Sender(message))
        let index = message.headers.groupIndex.map { JSONValue.int(Int64($0)) }
        _ = planner.freeze(node, Planner.Freezing(groupID: group, chord: chord, rootID: message.headers.rootID, groupIndex: index))
        let result = try planner.apply(node, Planner.Call())
        return Addition(plan: planner.finished(result), group: group, parts: node.leaves)
    }

    private func improper(_ text: String) -> JobFailure {
        JobFailure(type: "ImproperlyConfigured", arguments: [.string(text)], module: "celery.exceptions")
    }
}

extension CanvasNode {
    /// A group, or a chain that ends in one, with a last step that answers the list of its results.
    fileprivate func answeringAList() -> CanvasNode {
        let accumulate = CanvasNode(.task, Signature("celery.accumulate", kwargs: ["index": 0]))
        if form == .group { return .chord(header: self, body: accumulate) }
        if form == .chain, let last = members.last, last.form == .group {
            members[members.count - 1] = .chord(header: last, body: accumulate)
        }
        return self
    }

    /// Takes a running job's place in its group, chord and workflow.
    fileprivate func take(place: Message.Headers, chord: JSONValue?, nesting: JSONValue) {
        if let chord { self["chord"] = chord }
        self["group_id"] = place.group.map { .string($0) } ?? .null
        if let index = place.groupIndex { self["group_index"] = .int(Int64(index)) }
        self["root_id"] = .string(place.rootID ?? place.id)
        self["replaced_task_nesting"] = nesting
        if form == .chain { for step in members { step["replaced_task_nesting"] = nesting } }
        inherit(place.stampedHeaders ?? [], place.stamps ?? [:])
    }

    /// Takes the stamps of the job it replaces; its own ones stay.
    private func inherit(_ names: [String], _ stamps: [String: JSONValue]) {
        guard !names.isEmpty else { return }
        for node in members { node.inherit(names, stamps) }
        body?.inherit(names, stamps)
        guard form == .task else { return }
        let own = self["stamped_headers"]?.arrayValue ?? []
        let new = names.filter { !own.contains(.string($0)) && stamps[$0] != nil }
        for name in new { self[name] = stamps[name] }
        self["stamped_headers"] = .array(own + new.map { .string($0) })
    }
}
