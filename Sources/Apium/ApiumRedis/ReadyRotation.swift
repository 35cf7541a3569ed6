/// In which order ready lists are looked at, and which of them gave something last time.
///
/// kombu's order: the priority step outermost, the queues within it in a round robin; so priority goes before the order of queues, and
/// no queue starves another of the same step. With hundreds of queues all of this is worked out for each claim, so names are made once.
struct ReadyRotation {
    private struct Queue {
        let name: String
        /// Its lists by step, the most urgent first.
        let lists: [String]
        /// Of which lists the last read gave something, or which have not been read yet.
        var isHot: [Bool]
    }

    private let keys: RedisKeys
    private var queues: [Queue] = []
    /// The queues' places in `queues`, in their present order.
    private var order: [Int] = []
    /// Where a list stands.
    private var places: [String: (queue: Int, step: Int)] = [:]

    init(queues: [String], keys: RedisKeys) {
        self.keys = keys
        serve(queues)
    }

    private var steps: Range<Int> { keys.prioritySteps.indices }

    /// All lists, most urgent first.
    var all: [String] { steps.flatMap { step in order.map { queues[$0].lists[step] } } }

    /// All lists, most urgent first, in an order that does not turn: those that are waited on keep their connections.
    var standing: [String] { steps.flatMap { step in queues.map { $0.lists[step] } } }

    /// The lists to claim from now, at most so many: the hot ones of the most urgent step that has any.
    func mostUrgentHot(_ limit: Int) -> [String] {
        for step in steps {
            let lists = order.lazy.filter { queues[$0].isHot[step] }.prefix(limit).map { queues[$0].lists[step] }
            if !lists.isEmpty { return Array(lists) }
        }
        return []
    }

    /// The first lists that gave nothing last time, at most so many.
    func cold(_ limit: Int = .max) -> [String] {
        var lists: [String] = []
        for step in steps {
            for place in order where !queues[place].isHot[step] {
                if lists.count == limit { return lists }
                lists.append(queues[place].lists[step])
            }
        }
        return lists
    }

    /// The queue that a list belongs to; of one that is not served any more what its name says.
    func queue(of list: String) -> String { places[list].map { queues[$0.queue].name } ?? keys.queue(ofReady: list) }

    /// A list that is not served any more stays cold.
    mutating func setHot(_ list: String, _ isHot: Bool) {
        guard let place = places[list] else { return }
        queues[place.queue].isHot[place.step] = isHot
    }

    /// Something came from the list: its queue goes to the end.
    mutating func rotate(after list: String) {
        guard let queue = places[list]?.queue, let index = order.firstIndex(of: queue) else { return }
        order.append(order.remove(at: index))
    }

    /// Serves these queues from now on; new ones come last, and count as not read yet.
    mutating func serve(_ names: [String]) {
        let known = Dictionary(queues.map { ($0.name, $0) }) { first, _ in first }
        let kept = order.map { queues[$0].name }.filter(names.contains)
        let added = names.filter { known[$0] == nil }
        queues = (kept + added).map { name in
            known[name] ?? Queue(name: name, lists: keys.ready(name), isHot: Array(repeating: true, count: steps.count))
        }
        order = Array(queues.indices)
        places = [:]
        for (index, queue) in queues.enumerated() {
            for (step, list) in queue.lists.enumerated() where places[list] == nil { places[list] = (index, step) }
        }
    }

    /// What a claim takes of the lists that are hot.
    ///
    /// Each gives as much as is its turn's, and no more than it is known to hold, so that the first few lists fill the claim while jobs are short. With
    /// long ones as many lists give as there are slots, or so few that each batch is worth its steps. The others have their turn with the next claim.
    /// - Parameters:
    ///   - share: How much is run during a list's turn; see ``TurnPace``.
    ///   - wanted: How much may be asked of a list.
    func plan(_ limit: Int, share: Int, wanted: (String) -> Int) -> [(list: String, count: Int)] {
        let lists = mostUrgentHot(Self.lists(for: limit))
        guard !lists.isEmpty else { return [] }
        let share = max(share, (limit + lists.count - 1) / lists.count)
        var left = limit
        var plan: [(list: String, count: Int)] = []
        for list in lists where left > 0 {
            let count = min(left, share, wanted(list))
            plan.append((list, count))
            left -= count
        }
        return plan
    }

    /// From how many lists one claim takes at most.
    static func lists(for limit: Int) -> Int { max(min(limit, leastShare), limit / leastShare) }

    private static let leastShare = 16

    /// Splits `limit` between `count` lists, at least one each for the first ones.
    static func shares(_ limit: Int, among count: Int) -> [Int] {
        guard count > 0 else { return [] }
        return (0..<count).map { limit / count + ($0 < limit % count ? 1 : 0) }.filter { $0 > 0 }
    }
}
