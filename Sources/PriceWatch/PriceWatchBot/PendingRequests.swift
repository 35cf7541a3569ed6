/// Requests that wait for their replies, by id: any number of users at once, and no reply ever reaches another's question.
///
/// A value: the connection tells it what happens and does what it answers. A request stays, with its frame, until its reply, its time limit or its
/// caller's end takes it out; so a new session can send again what a lost one may have swallowed. All actions may be done twice without harm.
struct PendingRequests<Waiter> {
    private var waiting: [String: (frame: String, order: UInt64, waiter: Waiter)] = [:]
    private var counter: UInt64 = 0
    /// At most so many: the API answers more with `busy`.
    let limit: Int

    init(limit: Int = 256) { self.limit = limit }

    var count: Int { waiting.count }

    /// The id for a new request; `nil` when too many are waiting.
    mutating func makeID() -> String? {
        guard waiting.count < limit else { return nil }
        counter += 1
        return "r\(counter)"
    }

    mutating func add(_ id: String, frame: String, waiter: Waiter) {
        counter += 1
        waiting[id] = (frame, counter, waiter)
    }

    /// Whoever waits under the id; `nil` for a reply that comes too late or was never asked for.
    mutating func take(_ id: String) -> Waiter? { waiting.removeValue(forKey: id)?.waiter }

    /// What a new session has to send, oldest first.
    var frames: [String] { waiting.values.sorted { $0.order < $1.order }.map(\.frame) }

    mutating func takeAll() -> [Waiter] {
        defer { waiting = [:] }
        return waiting.values.map(\.waiter)
    }
}
