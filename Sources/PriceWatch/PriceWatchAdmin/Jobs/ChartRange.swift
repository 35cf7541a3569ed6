import ApiumCore
import ApiumInspect
import DynamicJSON

/// How much of the history the charts show.
enum ChartRange: String, CaseIterable, Sendable {
    case quarterHour = "15m"
    case hour = "1h"
    case day = "24h"
    case month = "30d"

    var resolution: HistoryResolution {
        switch self {
        case .quarterHour: .tenSeconds
        case .hour, .day: .minute
        case .month: .hour
        }
    }

    /// How many slots of the resolution are read.
    var slots: Int {
        switch self {
        case .quarterHour: 90
        case .hour: 60
        case .day: 1440
        case .month: 720
        }
    }

    /// How many slots make one bar.
    var slotsPerBar: Int {
        switch self {
        case .quarterHour, .hour: 1
        case .day: 15
        case .month: 6
        }
    }

    /// The seconds of a bar.
    var barSeconds: Int { resolution.rawValue * slotsPerBar }
}

/// What the charts are about.
struct ChartFilter: Sendable, Hashable {
    var range = ChartRange.quarterHour
    /// Only this queue; empty: all.
    var queue = ""
    /// Only jobs of this name; empty: all.
    var task = ""

    init() {}

    init(_ query: [String: String]) {
        range = query["last"].flatMap(ChartRange.init) ?? .quarterHour
        queue = query["queue"] ?? ""
        task = query["task"] ?? ""
    }

    /// As the query of an address.
    var query: String { "last=\(range.rawValue)&queue=\(FormText.encode(queue))&task=\(FormText.encode(task))" }

    func takes(_ key: HistoryKey) -> Bool { (queue.isEmpty || key.queue == queue) && (task.isEmpty || key.task == task) }
}

/// The numbers behind the charts: one entry in each list for each bar, the one under way last.
struct ChartSeries: Sendable {
    private var bars: [(begin: Timestamp, counts: JobCounts, lengths: [String: Int])] = []
    private let filter: ChartFilter

    init(_ slots: [HistorySlot], _ filter: ChartFilter) {
        self.filter = filter
        let length = Int64(filter.range.barSeconds) * 1_000_000
        for slot in slots {
            let begin = Timestamp(microseconds: slot.begin.microseconds / length * length)
            var counts = JobCounts()
            for (key, value) in slot.counts where filter.takes(key) { counts.add(value) }
            if bars.last?.begin != begin { bars.append((begin, JobCounts(), [:])) }
            bars[bars.count - 1].counts.add(counts)
            bars[bars.count - 1].lengths.merge(slot.lengths) { $1 }
        }
    }

    /// Everything in the range together.
    var total: JobCounts { bars.reduce(into: JobCounts()) { $0.add($1.counts) } }

    /// How long a queue was in each bar. Workers that have nothing else to tell note it every half a minute: until then it counts as unchanged.
    private func lengths(of queue: String) -> [Int?] {
        var last: (length: Int, at: Timestamp)?
        return bars.map { bar in
            if let noted = bar.lengths[queue] { last = (noted, bar.begin) }
            return last.flatMap { bar.begin - $0.at <= .seconds(30) ? $0.length : nil }
        }
    }

    /// For the page's script.
    var json: JSONValue {
        let total = total
        func list(_ number: (JobCounts) -> Int64) -> JSONValue { .array(bars.map { .int(number($0.counts)) }) }
        func milliseconds(_ part: Double, _ histogram: (JobCounts) -> DurationHistogram) -> JSONValue {
            .array(bars.map { bar in histogram(bar.counts).quantile(part).map { .double($0.inSeconds * 1000) } ?? .null })
        }
        let names = Set(bars.flatMap(\.lengths.keys)).filter { filter.queue.isEmpty || $0 == filter.queue }.sorted()
        let lengths = names.map { name in
            ["name": .string(name), "values": .array(self.lengths(of: name).map { $0.map { .int(Int64($0)) } ?? .null })] as JSONValue
        }
        return [
            "begin": .int((bars.first?.begin.microseconds ?? 0) / 1_000_000), "step": .int(Int64(filter.range.barSeconds)),
            "succeeded": list { $0[.succeeded] }, "failed": list { $0[.failed] }, "retried": list { $0[.retried] },
            "other": list { $0[.endedOtherwise] + $0[.turnedAway] },
            "wait50": milliseconds(0.5, \.waits), "wait95": milliseconds(0.95, \.waits), "run50": milliseconds(0.5, \.runs),
            "run95": milliseconds(0.95, \.runs), "lengths": .array(lengths),
            "bounds": .array(DurationHistogram.bounds.map { .double($0.inSeconds * 1000) }), "spreadRuns": .array(total.runs.buckets.map { .int($0) }),
            "spreadWaits": .array(total.waits.buckets.map { .int($0) }),
        ]
    }
}
