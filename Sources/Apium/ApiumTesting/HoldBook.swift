import ApiumCore

/// Limits, pauses and who waits for them, as the scripts of the broker on Redis keep them (permits.lua): a value without I/O.
struct HoldBook {
    /// A job that was refused.
    struct Entry {
        var id: String
        var queue: String
        var list: Int
        var targets: [HoldTarget]
        var payload: [UInt8]
        /// How old its question is: by it one that comes back finds its place.
        var since: Int64
    }

    /// Who has taken a permit.
    enum Holder: Hashable {
        /// A job that runs.
        case running(incarnation: String, tag: DeliveryTag)
        /// A job that was let go and is on its way to a worker.
        case underWay(id: String)
    }

    private(set) var limits: [HoldTarget: Limit] = [:]
    /// Not limited any more, but somebody still waits.
    private(set) var draining: Set<HoldTarget> = []
    /// Since when.
    private(set) var paused: [HoldTarget: Timestamp] = [:]
    private var permits: [HoldTarget: [Holder: Timestamp]] = [:]
    /// When the bucket of a rate is full again.
    private var full: [HoldTarget: Timestamp] = [:]
    private(set) var lines: [HoldTarget: [Entry]] = [:]
    /// A queue's list.
    private struct Source: Hashable {
        var queue: String
        var list: Int
    }
    /// Since when something that was let go to a list has not come to a worker.
    private var away: [Source: Timestamp] = [:]

    /// How long a job that was let go may be on its way, and how many at once.
    static let travel = Duration.seconds(30)
    private static let window = 64
    private static let endless = Timestamp(microseconds: .max)

    /// What workers are told.
    var state: HoldState { HoldState(limits: limits, paused: Set(paused.keys), draining: draining) }

    // MARK: Operators

    /// False when there was nothing to clear.
    mutating func setLimit(_ limit: Limit?, on target: HoldTarget) -> Bool {
        let before = limits[target]
        limits[target] = limit
        if limit == nil { drain(target) } else { draining.remove(target) }
        return limit != nil || before != nil
    }

    mutating func pause(_ target: HoldTarget, at now: Timestamp) -> Bool {
        guard paused[target] == nil else { return false }
        paused[target] = now
        return true
    }

    mutating func resume(_ target: HoldTarget) -> Bool {
        guard paused.removeValue(forKey: target) != nil else { return false }
        drain(target)
        return true
    }

    /// Those who wait for what is not limited any more still go first.
    private mutating func drain(_ target: HoldTarget) {
        for line in lines.keys where line == target || (line.group != nil && line.group == target) {
            if bounds(line) == nil, paused[line] == nil { draining.insert(line) }
        }
    }

    /// All that is limited or paused, or that somebody waits for.
    var rows: [HoldRow] {
        var rows: [HoldTarget: HoldRow] = [:]
        for target in Set(limits.keys).union(paused.keys).union(draining).union(lines.keys) {
            rows[target] = HoldRow(
                target: target, limit: limits[target], pausedSince: paused[target], waiting: lines[target]?.count ?? 0, running: permits[target]?.count ?? 0,
                opensAt: opening(of: target))
        }
        for row in rows.values {
            guard let group = row.target.group, rows[group] != nil else { continue }
            rows[group]?.waiting += row.waiting
            rows[group]?.running += row.running
        }
        return rows.values.sorted { $0.target.text < $1.target.text }
    }

    // MARK: Asking

    /// A job has come from a list to a worker.
    mutating func arrived(from queue: String, list: Int) { away[Source(queue: queue, list: list)] = nil }

    /// Nobody is on the way to a queue any more: it is paused.
    mutating func forget(_ queue: String) { away = away.filter { $0.key.queue != queue } }

    /// `nil`: admitted, all being taken. Else what it has to wait for.
    mutating func ask(_ admission: Admission, _ holder: Holder, at now: Timestamp) -> HoldTarget? {
        let reserved = Set(admission.targets.filter { permits[$0]?.removeValue(forKey: .underWay(id: admission.id)) != nil })
        for target in admission.targets {
            // What was let go has all that it needs; but something may have been paused since.
            let refuses =
                reserved.contains(target) ? paused[target] != nil : admission.isReturning ? refuses(target, at: now) : blocks(target, at: now)
            guard refuses else { continue }
            for each in reserved { giveToken(each, at: now) }
            return target
        }
        for target in admission.targets {
            if !reserved.contains(target) { takeToken(target, at: now) }
            if bounds(target)?.concurrency != nil { permits[target, default: [:]][holder] = Self.endless }
        }
        return nil
    }

    /// Puts a job that was refused into a line: to its back, or one that was on its way before by its age.
    mutating func wait(_ entry: Entry, for target: HoldTarget, isReturning: Bool) {
        let line = lines[target] ?? []
        let place = isReturning ? line.firstIndex { $0.since > entry.since } : nil
        lines[target, default: []].insert(entry, at: place ?? line.count)
    }

    /// How many jobs of a queue wait in lines.
    func waiting(of queue: String) -> Int { lines.values.reduce(0) { $0 + $1.count { $0.queue == queue } } }

    /// Takes back what was taken for a job that was let go to a queue that is paused now.
    mutating func recall(_ id: String, _ targets: [HoldTarget], at now: Timestamp) {
        for target in targets where permits[target]?.removeValue(forKey: .underWay(id: id)) != nil { giveToken(target, at: now) }
    }

    /// Takes a job out of a line, wherever it stands there; `nil` when it is not in it.
    mutating func leave(_ target: HoldTarget, _ payload: [UInt8]) -> Entry? {
        guard let place = lines[target]?.firstIndex(where: { $0.payload == payload }) else { return nil }
        return lines[target]?.remove(at: place)
    }

    mutating func giveBack(_ targets: [HoldTarget], of holder: Holder) {
        for target in targets { permits[target]?[holder] = nil }
    }

    /// Takes out of a line what may run now, in order; and what goes to a list that nobody serves: it asks again when it comes, and holds up nobody.
    mutating func release(_ target: HoldTarget, at now: Timestamp) -> [Entry] {
        var gone: [Entry] = []
        var taken: [Entry] = []
        while taken.count < Self.window, let first = lines[target]?.first, !isUnderWay(target, at: now), !refuses(target, at: now) {
            lines[target]?.removeFirst()
            if let other = elsewhere(target, first, at: now) {
                wait(first, for: other, isReturning: !first.targets.contains(target))
                continue
            }
            gone.append(first)
            if isForsaken(Source(queue: first.queue, list: first.list), at: now) { continue }
            taken.append(first)
            for each in first.targets {
                takeToken(each, at: now)
                permits[each, default: [:]][.underWay(id: first.id)] = Self.endless
            }
        }
        for entry in gone where away[Source(queue: entry.queue, list: entry.list)] == nil { away[Source(queue: entry.queue, list: entry.list)] = now }
        for entry in taken { for each in entry.targets { permits[each]?[.underWay(id: entry.id)] = now + Self.travel } }
        if lines[target]?.isEmpty == true {
            lines[target] = nil
            draining.remove(target)
        }
        return gone
    }

    // MARK: Rules

    /// For what a job has to wait that is first in a line: its queue is paused, or another target does not let it pass. A line of one that
    /// would let it pass counts if that stands behind this one: so no two lines send a job to and fro.
    private mutating func elsewhere(_ own: HoldTarget, _ entry: Entry, at now: Timestamp) -> HoldTarget? {
        if paused[.queue(entry.queue)] != nil { return .queue(entry.queue) }
        let place = entry.targets.firstIndex(of: own) ?? -1
        for (number, target) in entry.targets.enumerated() where number != place {
            if number > place ? blocks(target, at: now) : isUnderWay(target, at: now) || refuses(target, at: now) { return target }
        }
        return nil
    }

    /// Whether nobody takes from a list: what was let go to it has not come for longer than a reservation lasts.
    private func isForsaken(_ source: Source, at now: Timestamp) -> Bool { away[source].map { $0 + Self.travel < now } ?? false }

    /// When the bucket of its rate lets the next job begin.
    private func opening(of target: HoldTarget) -> Timestamp? {
        guard let rate = bounds(target)?.rate, let full = full[target] else { return nil }
        return full + (.zero - rate.interval * (rate.burst - 1))
    }

    private func bounds(_ target: HoldTarget) -> Limit? {
        if case .run = target { return .concurrency(1) }
        return limits[target] ?? target.group.flatMap { limits[$0] }
    }

    /// Whether a job that was let go has not come to its worker yet.
    private mutating func isUnderWay(_ target: HoldTarget, at now: Timestamp) -> Bool {
        permits[target] = permits[target]?.filter { $0.value > now }
        return permits[target]?.values.contains { $0 != Self.endless } ?? false
    }

    private func refuses(_ target: HoldTarget, at now: Timestamp) -> Bool {
        if paused[target] != nil { return true }
        guard let limit = bounds(target) else { return false }
        if let most = limit.concurrency, permits[target]?.count ?? 0 >= most { return true }
        guard let rate = limit.rate, let full = full[target] else { return false }
        return full - now > rate.interval * (rate.burst - 1)
    }

    /// Whether somebody else goes first, or nobody goes now.
    private mutating func blocks(_ target: HoldTarget, at now: Timestamp) -> Bool {
        isUnderWay(target, at: now) || refuses(target, at: now) || lines[target]?.isEmpty == false
    }

    private mutating func giveToken(_ target: HoldTarget, at now: Timestamp) {
        guard let rate = bounds(target)?.rate, let before = full[target] else { return }
        full[target] = before - now > rate.interval ? before + (.zero - rate.interval) : nil
    }

    private mutating func takeToken(_ target: HoldTarget, at now: Timestamp) {
        guard let rate = bounds(target)?.rate else { return }
        full[target] = max(full[target] ?? now, now) + rate.interval
    }
}

extension HoldTarget {
    /// Where the limit of a key stands that has none of its own.
    fileprivate var group: HoldTarget? { if case .key(let key) = self { .eachKey(key.name) } else { nil } }
}
