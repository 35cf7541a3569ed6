import ApiumCore

extension BrokerConformance {
    /// What became of jobs, counted by workers.
    static let historyLaws: [Law] = [
        Law("counts of several workers are added in the slots of their time, at every resolution") { try await $0.countsAreAdded() },
        Law("a report that comes twice is counted once") { try await $0.reportsAreCountedOnce() },
        Law("names beyond the bound are counted together, and none of their jobs is left out") { try await $0.namesAreBounded() },
        Law("the length of a queue is noted with what is counted") { try await $0.lengthsAreNoted() },
    ]
}

extension Scene {
    private func counts(started: Int64, succeeded: Int64, waited: Duration = .milliseconds(2)) -> JobCounts {
        var values = [Int64](repeating: 0, count: JobCounts.size)
        values[JobCounts.waitPlace(waited)] = started
        var counts = JobCounts(values: values)
        counts[.started] = started
        counts[.succeeded] = succeeded
        counts[.waited] = started * waited.wholeMicroseconds
        return counts
    }

    private func total(_ resolution: HistoryResolution, slots: Int = 2) async throws -> JobCounts {
        try await broker.history(resolution, slots: slots).map(\.total).reduce(into: JobCounts()) { $0.add($1) }
    }

    func countsAreAdded() async throws {
        let key = HistoryKey(queue: "jobs", task: "count")
        try await broker.record(HistoryReport(source: "a", number: 1, counts: [key: counts(started: 3, succeeded: 2)], queues: []))
        try await broker.record(HistoryReport(source: "b", number: 1, counts: [key: counts(started: 4, succeeded: 4)], queues: []))
        let other = HistoryKey(queue: "jobs", task: "other")
        try await broker.record(HistoryReport(source: "a", number: 2, counts: [other: counts(started: 1, succeeded: 1)], queues: []))
        for resolution in HistoryResolution.allCases {
            // Two slots: time may have gone from one to the next meanwhile.
            let slots = try await broker.history(resolution, slots: 2)
            try expect(slots.count == 2, "\(slots.count) slots were answered, not 2")
            try expect(slots[1].begin - slots[0].begin == resolution.length, "the slots do not follow each other")
            let now = try await broker.serverTime()
            try expect(slots[1].begin <= now, "the last slot is still to come")
            let mine = slots.compactMap { $0.counts[key] }.reduce(into: JobCounts()) { $0.add($1) }
            try expect(mine == counts(started: 7, succeeded: 6), "of 7 there are \(mine)")
            try expect(try await total(resolution)[.started] == 8, "the other job is not counted apart")
        }
        try expect(try await broker.history(.tenSeconds, slots: 1_000_000).count == HistoryResolution.tenSeconds.kept, "more slots than are kept")
        try expect(try await broker.history(.minute, slots: 0).isEmpty, "slots were answered that nobody wanted")
    }

    func reportsAreCountedOnce() async throws {
        let report = HistoryReport(
            source: "a", number: 7, counts: [HistoryKey(queue: "jobs", task: "count"): counts(started: 5, succeeded: 5)], queues: [])
        try await broker.record(report)
        try await broker.record(report)
        try expect(try await total(.hour)[.started] == 5, "a repeated report is counted again")
    }

    func namesAreBounded() async throws {
        let keys = (0..<HistoryReport.keyLimit + 30).map { HistoryKey(queue: "jobs", task: "name-\($0)") }
        let report = HistoryReport(
            source: "a", number: 1, counts: Dictionary(keys.map { ($0, counts(started: 1, succeeded: 1)) }) { $1 }, queues: [])
        try await broker.record(report)
        try expect(try await total(.hour)[.started] == Int64(keys.count), "jobs are left out")
        for slot in try await broker.history(.hour, slots: 2) {
            try expect(slot.counts.count <= HistoryReport.keyLimit + 1, "\(slot.counts.count) names are told apart")
        }
    }

    func lengthsAreNoted() async throws {
        try await enqueue("a", "b", "c")
        try await broker.record(HistoryReport(source: "a", number: 1, counts: [:], queues: ["jobs", "empty"]))
        let last = try await broker.history(.hour, slots: 2).last { !$0.lengths.isEmpty }
        try expect(last?.lengths == ["jobs": 3, "empty": 0], "the lengths are \(last?.lengths ?? [:])")
    }
}
