import ApiumCore
import DynamicJSON

/// What became of jobs over the last minutes, hours or days, in slots of equal length.
public struct History: Sendable, Hashable {
    /// The length of the slots.
    public var resolution: HistoryResolution
    /// The slots without a gap, the one under way last.
    public var slots: [HistorySlot]
    /// When it was read, on the broker's clock.
    public var at: Timestamp

    /// Makes a history.
    public init(resolution: HistoryResolution, slots: [HistorySlot], at: Timestamp) {
        self.resolution = resolution
        self.slots = slots
        self.at = at
    }

    /// How long a time it speaks of; the slot under way has lasted until ``at``.
    public var span: Duration { slots.first.map { max(at - $0.begin, .milliseconds(1)) } ?? .zero }

    /// The names that were counted, each with its queue and everything together, by queue and name.
    public var totals: [(key: HistoryKey, counts: JobCounts)] {
        var totals: [HistoryKey: JobCounts] = [:]
        for slot in slots { for (key, counts) in slot.counts { totals[key, default: JobCounts()].add(counts) } }
        return totals.sorted { ($0.key.queue, $0.key.task) < ($1.key.queue, $1.key.task) }.map { ($0.key, $0.value) }
    }

    /// The queues that anything is known of.
    public var queues: [String] {
        Set(slots.flatMap { slot in slot.lengths.keys + slot.counts.keys.map(\.queue) }).subtracting([HistoryKey.other.queue]).sorted()
    }

    /// What comes into a queue and goes out of it.
    public func flow(of queue: String) -> QueueFlow {
        let counts = slots.map { slot in
            slot.counts.lazy.filter { $0.key.queue == queue }.reduce(into: JobCounts()) { $0.add($1.value) }
        }
        let total = counts.reduce(into: JobCounts()) { $0.add($1) }
        let seconds = span.inSeconds
        var flow = QueueFlow(out: seconds > 0 ? Double(total.taken) / seconds : 0, counts: total)
        let noted = slots.indices.filter { slots[$0].lengths[queue] != nil }
        if let first = noted.first, let last = noted.last, first < last, let before = slots[first].lengths[queue], let after = slots[last].lengths[queue] {
            // A length stands at about the end of its slot.
            let time = min(at, slots[last].begin + slots[last].length) - (slots[first].begin + slots[first].length)
            let arrived = Double(counts[(first + 1)...last].reduce(0) { $0 + $1.taken }) + Double(after - before)
            if time > .zero { flow.in = max(0, arrived / time.inSeconds) }
        }
        return flow
    }
}

/// What comes into a queue and goes out of it.
public struct QueueFlow: Sendable, Hashable {
    /// Messages that arrived, per second: new ones, those whose time had come, and those that went back; from what went out and how the length
    /// changed, so it counts the jobs of every producer, and too few where Celery's workers take jobs, too. `nil`: the length was not noted
    /// often enough, because no worker of ours serves the queue.
    public var `in`: Double?
    /// Messages that our workers claimed, per second.
    public var out: Double
    /// What became of the queue's jobs.
    public var counts: JobCounts

    /// Makes a value.
    public init(in arrivals: Double? = nil, out: Double, counts: JobCounts = JobCounts()) {
        self.in = arrivals
        self.out = out
        self.counts = counts
    }

    /// How long so many messages take to be claimed at this rate; `nil` when none were.
    public func time(for messages: Int) -> Duration? { out > 0 ? .seconds(Double(messages) / out) : nil }
}

extension Inspector {
    /// The history of the last minutes, hours or days, as finely as it is kept for that long.
    ///
    /// - Parameter span: how far back; 30 days at most.
    public func history(last span: Duration) async throws -> History {
        let resolution = HistoryResolution.finest(over: span)
        let slots = Int((span.inSeconds / Double(resolution.rawValue)).rounded(.up))
        return try await history(resolution, slots: min(max(slots, 1), resolution.kept))
    }

    /// The last slots of a resolution.
    public func history(_ resolution: HistoryResolution, slots: Int) async throws -> History {
        let slots = try await broker.history(resolution, slots: slots)
        return History(resolution: resolution, slots: slots, at: try await broker.serverTime())
    }
}
