import DynamicJSON

/// A chord that is about to be sent: what has to stand in the result backend before the last message of its header.
public struct ChordSetup: Sendable, Hashable {
    /// The header's group id.
    public var group: String
    /// How many parts complete it: the leaves of the header (celery-wire 7.1).
    public var size: Int
    /// The header's result tuple, when it holds groups: its values are then read from the members' own results.
    public var savedGroup: JSONValue?

    /// Makes a set-up.
    public init(group: String, size: Int, savedGroup: JSONValue? = nil) {
        self.group = group
        self.size = size
        self.savedGroup = savedGroup
    }
}

/// One job's part in a chord, brought when it has ended as SUCCESS, FAILURE or REVOKED.
public struct ChordPart: Sendable, Hashable {
    /// The header's group id.
    public var group: String
    /// The job's id: parts are counted by it, so that a second run of the job is not a second part.
    public var id: String
    /// The place in the header; `nil` sorts last.
    public var index: Int?
    /// How the job ended.
    public var state: JobState
    /// Its value, or its encoded exception.
    public var result: JSONValue
    /// Claims the join, should this be the last part: a new text for each run.
    public var token: String

    /// Makes a part.
    public init(group: String, id: String, index: Int?, state: JobState, result: JSONValue, token: String = JobID.make()) {
        self.group = group
        self.id = id
        self.index = index
        self.state = state
        self.result = result
        self.token = token
    }
}

/// The right to join a complete chord: to send its body, once.
public struct ChordClaim: Sendable, Hashable {
    /// The header's group id.
    public var group: String
    /// What stands in the chord's claim key.
    public var token: String

    /// Makes a claim.
    public init(group: String, token: String) {
        self.group = group
        self.token = token
    }
}

/// What a chord's parts were.
public struct ChordContent: Sendable, Hashable {
    /// The parts in the order of the header: id, state, and value or encoded exception.
    public var parts: [Part]
    /// The header's result tuple, when it holds groups.
    public var savedGroup: JSONValue?

    /// One part as it was stored.
    public struct Part: Sendable, Hashable {
        /// The job's id.
        public var id: String
        /// How it ended.
        public var state: JobState
        /// Its value, or its encoded exception.
        public var result: JSONValue

        /// Makes a part.
        public init(id: String, state: JobState, result: JSONValue) {
            self.id = id
            self.state = state
            self.result = result
        }
    }

    /// Makes a content.
    public init(parts: [Part], savedGroup: JSONValue? = nil) {
        self.parts = parts
        self.savedGroup = savedGroup
    }
}
