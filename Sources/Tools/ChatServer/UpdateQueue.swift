/// Updates that wait for the bot, with Telegram's rules: an update stays until a call names a greater offset.
struct UpdateQueue: Sendable, Codable {
    struct Waiting: Sendable, Codable {
        var id: Int64
        var body: JSONValue
    }

    private(set) var pending: [Waiting] = []
    private var nextID: Int64
    /// What the bot asked for last; `nil` is everything.
    private var allowed: Set<String>?

    /// More than this many waiting updates: the oldest go.
    static let maximumPending = 10_000

    init(firstID: Int64) { nextID = firstID }

    /// - Returns: the update's id; `nil` when the bot does not want this kind.
    mutating func add(_ kind: String, _ value: JSONValue) -> Int64? {
        if let allowed, !allowed.contains(kind) { return nil }
        let id = nextID
        nextID += 1
        pending.append(Waiting(id: id, body: .object(["update_id": .int(id), kind: value])))
        if pending.count > Self.maximumPending { pending.removeFirst() }
        return id
    }

    /// `offset` > 0 confirms everything below it; `offset` < 0 keeps only that many from the end; 0 confirms nothing.
    mutating func take(offset: Int64, limit: Int) -> [JSONValue] {
        if offset > 0 {
            pending.removeAll { $0.id < offset }
        } else if offset < 0 {
            pending.removeFirst(max(0, pending.count - Int(clamping: offset.magnitude)))
        }
        return pending.prefix(limit).map(\.body)
    }

    /// An empty list means all kinds but those that are opt-in, which this server does not make.
    mutating func allow(_ kinds: [String]) { allowed = kinds.isEmpty ? nil : Set(kinds) }

    mutating func confirm(_ id: Int64) { pending.removeAll { $0.id == id } }
    mutating func drop() { pending = [] }
}
