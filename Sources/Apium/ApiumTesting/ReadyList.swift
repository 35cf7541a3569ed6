/// One ready list with Redis' two ends: `LPUSH` adds at the back, `RPOP` takes from the front.
struct ReadyList: Sendable {
    /// Next to be taken is last, so that both ends are cheap.
    private var front: [[UInt8]] = []
    private var back: [[UInt8]] = []

    var count: Int { front.count + back.count }
    var isEmpty: Bool { count == 0 }
    /// What waits, the next one first.
    var payloads: [[UInt8]] { front.reversed() + back }

    mutating func pushBack(_ payload: [UInt8]) { back.append(payload) }

    mutating func pushFront(_ payload: [UInt8]) { front.append(payload) }

    /// Puts another message, or none, in the place of the next one that is like this. False when there is none.
    mutating func replace(_ payload: [UInt8], with other: [UInt8]?) -> Bool {
        // The next one is last in `front`, and first in `back`.
        if let place = front.lastIndex(of: payload) {
            front.replaceSubrange(place...place, with: other.map { [$0] } ?? [])
            return true
        }
        guard let place = back.firstIndex(of: payload) else { return false }
        back.replaceSubrange(place...place, with: other.map { [$0] } ?? [])
        return true
    }

    mutating func popFront() -> [UInt8]? {
        if front.isEmpty {
            front = back.reversed()
            back = []
        }
        return front.popLast()
    }
}

/// A queue: one ready list for each of kombu's priority steps.
struct Queue: Sendable {
    /// kombu's default steps; the list of step 0 is served first.
    static let steps = [0, 3, 6, 9]

    private var lists = [ReadyList](repeating: ReadyList(), count: Queue.steps.count)

    /// The list a priority belongs to: that of the greatest step not above it.
    static func listIndex(priority: Int) -> Int { steps.lastIndex { $0 <= priority } ?? 0 }

    var count: Int { lists.reduce(0) { $0 + $1.count } }

    /// What waits, list by list.
    var payloads: [[UInt8]] { lists.flatMap(\.payloads) }

    subscript(list: Int) -> ReadyList {
        get { lists[list] }
        set { lists[list] = newValue }
    }
}
