import ApiumCore
import DynamicJSON

/// One chord of an in-memory result backend.
struct ChordState {
    /// How long a claim holds without being extended.
    static let claimLife = Duration.seconds(6)
    /// How long the end of a chord is remembered.
    static let endLife = Duration.seconds(300)

    private(set) var size: Int?
    private(set) var more = 0
    private var seen: Set<String> = []
    private var parts: [Entry] = []
    private var claim: Claim?

    private struct Entry {
        var score: Double
        var text: [UInt8]
        var part: ChordContent.Part
    }

    struct Claim {
        /// `nil` once the chord is joined.
        var token: String?
        var until: Timestamp
    }

    /// Whether all parts are in.
    private var isComplete: Bool { size.map { parts.count >= $0 + more } ?? false }

    /// The parts in the order of the header.
    var content: [ChordContent.Part] { parts.map(\.part) }

    /// Another run begins, unless one is under way: then it goes on.
    mutating func open(size: Int) {
        if self.size == nil { self = ChordState() }
        self.size = size
    }

    mutating func expect(_ count: Int) { more += count }

    /// Counts a part once; answers whether the caller holds the claim.
    mutating func bring(_ part: ChordPart, at now: Timestamp) -> Bool {
        let claim = standing(at: now)
        if seen.insert("\(part.id):\(part.index.map { String($0) } ?? "+inf")").inserted { add(part) }
        guard claim == nil || claim?.token == part.token, isComplete else { return false }
        if claim == nil { hold(part.token, at: now) }
        return true
    }

    private mutating func add(_ part: ChordPart) {
        let content = ChordContent.Part(id: part.id, state: part.state, result: part.result)
        let text = JSONValue.array([1, .string(part.id), .string(part.state.rawValue), part.result]).encoded()
        let entry = Entry(score: part.index.map { Double($0) } ?? .infinity, text: text, part: content)
        let place = parts.firstIndex { $0.score > entry.score || $0.score == entry.score && entry.text.lexicographicallyPrecedes($0.text) }
        parts.insert(entry, at: place ?? parts.endIndex)
    }

    /// Whether a claim is the caller's: it stands, or it ran out and nobody has joined the complete chord since.
    func holds(_ token: String, at now: Timestamp) -> Bool { standing(at: now).map { $0.token == token } ?? isComplete }

    mutating func hold(_ token: String, at now: Timestamp) { claim = Claim(token: token, until: now + Self.claimLife) }

    /// Ends the chord; its end is remembered for a while.
    mutating func close(at now: Timestamp) {
        self = ChordState()
        claim = Claim(token: nil, until: now + Self.endLife)
    }

    /// Gives the chord up; the parts stay.
    mutating func abandon() { size = nil }

    func standing(at now: Timestamp) -> Claim? { claim.flatMap { $0.until > now ? $0 : nil } }
}
