/// In which order ready lists are looked at, and which of them gave something last time.
///
/// kombu's order: the priority step outermost, the queues within it in a round robin; so priority goes before the order of queues, and
/// no queue starves another of the same step.
struct ReadyRotation {
    private let keys: RedisKeys
    private var queues: [String]
    /// Lists whose last read gave something, or that have not been read yet.
    private var hot: Set<String>

    init(queues: [String], keys: RedisKeys) {
        self.keys = keys
        self.queues = queues
        hot = Set(queues.flatMap { keys.ready($0) })
    }

    /// All lists, most urgent first.
    var all: [String] { keys.prioritySteps.flatMap { step in queues.map { keys.ready($0, step: step) } } }

    /// The lists to claim from now: the hot ones of the most urgent step that has any.
    var mostUrgentHot: [String] {
        for step in keys.prioritySteps {
            let lists = queues.map { keys.ready($0, step: step) }.filter(hot.contains)
            if !lists.isEmpty { return lists }
        }
        return []
    }

    /// The lists that gave nothing last time.
    var cold: [String] { all.filter { !hot.contains($0) } }

    mutating func setHot(_ list: String, _ isHot: Bool) {
        // A list that is not served any more stays cold.
        if isHot, queues.contains(keys.queue(ofReady: list)) { hot.insert(list) } else { hot.remove(list) }
    }

    /// Something came from the first queue's lists: it goes to the end.
    mutating func rotate(after list: String) {
        let queue = keys.queue(ofReady: list)
        guard let index = queues.firstIndex(of: queue) else { return }
        queues.append(queues.remove(at: index))
    }

    /// Serves these queues from now on; new ones are looked at first.
    mutating func serve(_ new: [String]) {
        let added = new.filter { !queues.contains($0) }
        queues = queues.filter(new.contains) + added
        hot.formUnion(added.flatMap { keys.ready($0) })
        hot.formIntersection(all)
    }

    /// Splits `limit` between `count` lists, at least one each for the first ones.
    static func shares(_ limit: Int, among count: Int) -> [Int] {
        guard count > 0 else { return [] }
        return (0..<count).map { limit / count + ($0 < limit % count ? 1 : 0) }.filter { $0 > 0 }
    }
}
