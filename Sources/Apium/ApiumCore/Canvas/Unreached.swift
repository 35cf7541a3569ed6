import DynamicJSON

/// A job that can no longer run, because what comes before it has failed: it gets the same failure (celery-wire 9.4).
public struct UnreachedJob: Sendable, Hashable {
    /// The job's id.
    public var id: String
    /// Its name; `celery.chord` and the like for the ids of composite steps.
    public var task: String
    /// Its group.
    public var groupID: String?
    /// Its sender, when known.
    public var parentID: String?
    /// The place in a chord's header, when its end is a part of a chord.
    public var membership: Membership?

    /// The chord that a job reports to.
    public struct Membership: Sendable, Hashable {
        /// The header's group id.
        public var group: String
        /// The place in the header.
        public var index: Int?
        /// The chord's body, for whoever brings the last part.
        public var body: JSONValue

        /// Makes a membership.
        public init(group: String, index: Int?, body: JSONValue) {
            self.group = group
            self.index = index
            self.body = body
        }
    }

    /// The document that ends the job.
    public func document(_ state: JobState, _ result: JSONValue, traceback: String? = nil, at date: Timestamp) -> ResultDocument {
        ResultDocument(id: id, state: state, result: result, traceback: traceback, dateDone: date, groupID: groupID, parentID: parentID)
    }

    /// The part that its end is; `nil` when it is in no chord.
    public func part(_ state: JobState, _ result: JSONValue) -> ChordPart? {
        membership.map { ChordPart(group: $0.group, id: id, index: $0.index, state: state, result: result) }
    }

    /// The jobs that can no longer run when a job fails that this chain would have followed: the steps as they stand in the message, then
    /// the bodies of chords among them (their headers stay pending). What is no signature, or has no id, is passed over.
    public static func after(chain: [JSONValue]) -> [UnreachedJob] {
        var found: [UnreachedJob] = []
        for json in chain {
            guard let signature = try? Signature(json: json), let node = try? CanvasNode(signature) else { continue }
            node.collectUnreached(into: &found)
        }
        return found
    }
}

extension CanvasNode {
    /// Everything in this node that would have run, in order.
    fileprivate func collectUnreached(into found: inout [UnreachedJob]) {
        if let id { found.append(UnreachedJob(id: id, task: signature.task, groupID: self["group_id"]?.stringValue, parentID: nil, membership: membership)) }
        switch form {
        case .task: break
        case .chain, .group: for member in members { member.collectUnreached(into: &found) }
        case .chord: body?.collectUnreached(into: &found)
        }
    }

    /// The chord that the end of this job is a part of: composite steps report through the jobs in them.
    private var membership: UnreachedJob.Membership? {
        guard form == .task, let chord = self["chord"], let group = self["group_id"]?.stringValue else { return nil }
        return UnreachedJob.Membership(group: group, index: self["group_index"]?.intValue.map { Int(clamping: $0) }, body: chord)
    }
}

/// What has to end when a chord's header has failed and its body will never run (celery-wire 7.3).
public struct ChordFailure: Sendable, Hashable {
    /// A result that fails, and whom to tell.
    public struct Failed: Sendable, Hashable {
        /// The body, or a member of a body that is a group.
        public var job: UnreachedJob
        /// Its errbacks, each once.
        public var errbacks: [JSONValue]
        /// A member of a group gets the failure of the header's job itself; else it is the `ChordError` that wraps it.
        public var getsOriginal: Bool
    }

    /// The results that fail, in order, with their errbacks.
    public var failed: [Failed]
    /// What fails with them and has nobody to tell: the other steps of a body that is a chain, the ids of groups, and what would have
    /// followed the body. They get the ``Failed/getsOriginal`` of the first.
    public var rest: [UnreachedJob]
    /// The jobs to revoke: the members of a body that is a group.
    public var revoked: [String]

    /// Takes a chord's body apart.
    ///
    /// - Throws: ``ApiumError`` `malformedMessage` when it is no signature.
    public init(body: JSONValue) throws {
        let node = try CanvasNode(try Signature(json: body))
        var all: [UnreachedJob] = []
        node.collectUnreached(into: &all)
        if node.form == .group {
            let shared = node.list("link_error")
            failed = node.members.map { Failed(job: $0.resultJob(in: all), errbacks: unique($0.resultErrbacks + shared), getsOriginal: true) }
            revoked = failed.map(\.job.id)
        } else {
            failed = [Failed(job: node.resultJob(in: all), errbacks: unique(node.resultErrbacks), getsOriginal: false)]
            revoked = []
        }
        let told = Set(failed.map(\.job.id))
        rest = all.filter { !told.contains($0.id) } + UnreachedJob.after(chain: node.list("chain")).filter { !told.contains($0.id) }
    }
}

extension CanvasNode {
    /// The job whose result is this node's: of a chain the last, of a chord the body.
    fileprivate func resultJob(in all: [UnreachedJob]) -> UnreachedJob {
        let end = resultNode
        if let id = end.id, let found = all.first(where: { $0.id == id }) { return found }
        return UnreachedJob(id: end.id ?? id ?? JobID.make(), task: end.signature.task, membership: nil)
    }

    private var resultNode: CanvasNode {
        switch form {
        case .task, .group: self
        case .chain: members.last?.resultNode ?? self
        case .chord: body?.resultNode ?? self
        }
    }

    /// The errbacks of this node's result: its own, and those of a chord's body.
    fileprivate var resultErrbacks: [JSONValue] {
        var errbacks = list("link_error")
        if form == .chord, let body { errbacks += body.resultErrbacks }
        if form == .group { for member in members { errbacks += member.resultErrbacks } }
        return errbacks
    }
}

private func unique(_ values: [JSONValue]) -> [JSONValue] {
    var seen = Set<JSONValue>()
    return values.filter { seen.insert($0).inserted }
}
