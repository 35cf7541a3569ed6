/// The read side of a result backend, beyond single results.
public protocol InspectableResults: ResultBackend {
    /// How far a chord is; `nil`: nothing is known of a chord of that group.
    func chordProgress(of group: String) async throws -> ChordProgress?

    /// The groups of chords that are not joined, in no order. At most `limit`, and found by a bounded look.
    func openChords(limit: Int) async throws -> [String]

    /// The ids of results that have no end though results should have one, in no order. At most `limit`, and found by a bounded look.
    func endlessResults(limit: Int) async throws -> [String]

    /// Gives results without an end the one that new results have; answers how many.
    func giveEnd(to ids: [String]) async throws -> Int
}

extension InspectableResults {
    public func endlessResults(limit: Int) async throws -> [String] { [] }
    public func giveEnd(to ids: [String]) async throws -> Int { 0 }
}

/// How far a chord is.
public struct ChordProgress: Sendable, Hashable {
    /// The header's group id.
    public var group: String
    /// How many parts complete it; `nil`: its end was taken back, or it has not been sent.
    public var expected: Int?
    /// How many parts have come.
    public var arrived: Int
    /// Whether the body is sent.
    public var isJoined: Bool
    /// Whether somebody has claimed the join and is sending the body.
    public var isClaimed: Bool
    /// How long ago the last part came, or the chord was opened; `nil`: not known.
    public var idle: Duration?

    /// Makes a value.
    public init(group: String, expected: Int?, arrived: Int, isJoined: Bool, isClaimed: Bool, idle: Duration?) {
        self.group = group
        self.expected = expected
        self.arrived = arrived
        self.isJoined = isJoined
        self.isClaimed = isClaimed
        self.idle = idle
    }

    /// Whether all parts have come.
    public var isComplete: Bool { expected.map { arrived >= $0 } ?? false }
}
