import ApiumCore

/// What became of jobs, as an in-memory broker keeps it.
struct HistoryBook {
    private var slots: [HistoryResolution: [Int64: HistorySlot]] = [:]
    private var seen: [String: Int64] = [:]

    /// Adds a report that was not taken before.
    ///
    /// - Parameter lengths: how many messages wait in the report's queues.
    mutating func add(_ report: HistoryReport, lengths: [String: Int], at now: Timestamp) {
        guard seen[report.source] != report.number else { return }
        seen[report.source] = report.number
        for resolution in HistoryResolution.allCases {
            let number = resolution.slot(at: now)
            var slot = slots[resolution]?[number] ?? Self.empty(number, resolution)
            slot.add(report.counts)
            slot.lengths.merge(lengths) { $1 }
            slots[resolution, default: [:]][number] = slot
            slots[resolution] = slots[resolution]?.filter { $0.key > number - Int64(resolution.kept) }
        }
    }

    /// The last slots, the one under way last.
    func last(_ count: Int, _ resolution: HistoryResolution, at now: Timestamp) -> [HistorySlot] {
        let last = resolution.slot(at: now)
        let count = Int64(min(max(count, 0), resolution.kept))
        return (last - count + 1..<last + 1).map { slots[resolution]?[$0] ?? Self.empty($0, resolution) }
    }

    private static func empty(_ number: Int64, _ resolution: HistoryResolution) -> HistorySlot {
        HistorySlot(begin: Timestamp(microseconds: number * Int64(resolution.rawValue) * 1_000_000), length: resolution.length)
    }
}

extension InMemoryBroker {
    public func record(_ report: HistoryReport) async throws {
        core.change { state, now in
            let lengths = Dictionary(report.queues.map { ($0, state.queues[$0]?.count ?? 0) }) { $1 }
            state.history.add(report, lengths: lengths, at: now)
        }
    }

    public func history(_ resolution: HistoryResolution, slots: Int) async throws -> [HistorySlot] {
        core.read { state, now in state.history.last(slots, resolution, at: now) }
    }
}
