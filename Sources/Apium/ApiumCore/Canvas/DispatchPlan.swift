import DynamicJSON

/// What sending a canvas comes to: pure values, so that the same plan is made by producers and by workers, tested without a
/// broker, and written by a worker in one step with the end of its job.
///
/// The order is: ``chords`` are opened first, then ``messages`` are enqueued.
public struct DispatchPlan: Sendable, Hashable {
    /// The chords to open.
    public var chords: [ChordSetup]
    /// The messages to enqueue, in order.
    public var messages: [Outgoing]
    /// What the caller can wait for; `nil` when nothing is sent (an empty chain).
    public var result: ResultTuple?
    /// What stands in the sending job's `children`: the messages that go out now, a group as one. The rest of a chain is not
    /// among them, because its first step sends it.
    public var children: [ResultTuple]

    /// Makes a plan.
    public init(chords: [ChordSetup] = [], messages: [Outgoing] = [], result: ResultTuple? = nil, children: [ResultTuple] = []) {
        self.chords = chords
        self.messages = messages
        self.result = result
        self.children = children
    }

    /// Whether nothing is to be done.
    public var isEmpty: Bool { chords.isEmpty && messages.isEmpty }

    /// Adds what another plan does; the result stays the own one, unless there is none.
    public mutating func append(_ other: DispatchPlan) {
        chords += other.chords
        messages += other.messages
        children += other.children
        result = result ?? other.result
    }
}

/// The identity of a result that may not exist yet: Celery's result tuples (celery-wire 6.5), used in `children`, saved groups
/// and as the value of a job that returns the result of another.
public struct ResultTuple: Sendable, Hashable {
    /// The task's or the group's id.
    public var id: String
    /// The result before it in a chain; a list of none or one, because values cannot hold themselves.
    public var parents: [ResultTuple]
    /// The members of a group; `nil` for a single task.
    public var members: [ResultTuple]?

    /// Makes a tuple.
    public init(id: String, parent: ResultTuple? = nil, members: [ResultTuple]? = nil) {
        self.id = id
        parents = parent.map { [$0] } ?? []
        self.members = members
    }

    /// The result before it in a chain.
    public var parent: ResultTuple? {
        get { parents.first }
        set { parents = newValue.map { [$0] } ?? [] }
    }

    /// Celery's form: `[[id, parent], null]` for a task, `[[id, parent], [members…]]` for a group.
    public var json: JSONValue {
        .array([.array([.string(id), parent?.json ?? .null]), members.map { .array($0.map(\.json)) } ?? .null])
    }

    /// Reads Celery's form, and a bare id in place of `[id, parent]`; `nil` when it is neither.
    public init?(json: JSONValue) {
        guard case .array(let pair) = json, let head = pair.first else { return nil }
        switch head {
        case .string(let text): self.init(id: text)
        case .array(let inner):
            guard let text = inner.first?.stringValue else { return nil }
            self.init(id: text, parent: inner.count > 1 ? ResultTuple(json: inner[1]) : nil)
        default: return nil
        }
        if pair.count > 1, case .array(let list) = pair[1] { members = list.compactMap { ResultTuple(json: $0) } }
    }
}
