import ApiumCore
import ApiumInspect
import ApiumTesting
import Testing

@Suite("History")
struct HistoryTests {
    private func slot(_ number: Int64, started: Int64 = 0, length: Int? = nil) -> HistorySlot {
        var counts = JobCounts()
        counts[.started] = started
        return HistorySlot(
            begin: Timestamp(microseconds: number * 10_000_000), length: .seconds(10),
            counts: started > 0 ? [HistoryKey(queue: "q", task: "t"): counts] : [:], lengths: length.map { ["q": $0] } ?? [:])
    }

    @Test("what arrives is what went out and by how much the queue grew")
    func flow() throws {
        let history = History(
            resolution: .tenSeconds, slots: [slot(0, started: 100, length: 5), slot(1, started: 30, length: 45), slot(2, started: 10, length: 25)],
            at: Timestamp(microseconds: 25_000_000))
        let flow = history.flow(of: "q")
        // From the end of the first slot: 30 + 10 went out, 20 more are there, in 15 seconds.
        #expect(try #require(flow.in) == 60.0 / 15)
        #expect(flow.out == 140.0 / 25)
        #expect(flow.time(for: 56) == .seconds(10))
        #expect(history.queues == ["q"])
        #expect(history.totals.map(\.counts.taken) == [140])
    }

    @Test("nothing is said of what arrives when the length was noted once, and no time is promised when nothing goes out")
    func unknown() {
        let history = History(resolution: .tenSeconds, slots: [slot(0), slot(1, length: 45)], at: Timestamp(microseconds: 25_000_000))
        #expect(history.flow(of: "q") == QueueFlow(out: 0))
        #expect(history.flow(of: "q").time(for: 1) == nil)
        #expect(history.flow(of: "elsewhere").in == nil)
    }

    @Test("a quantile lies in the bucket that holds it")
    func quantiles() throws {
        var values = [Int64](repeating: 0, count: JobCounts.size)
        for milliseconds in [2, 2, 2, 2, 2, 2, 2, 2, 2, 700] { values[JobCounts.runPlace(.milliseconds(milliseconds))] += 1 }
        var counts = JobCounts(values: values)
        counts[.ran] = 718_000
        let median = try #require(counts.runs.quantile(0.5))
        #expect(median > .milliseconds(1) && median <= .milliseconds(3))
        let tail = try #require(counts.runs.quantile(0.99))
        #expect(tail > .milliseconds(300) && tail <= .seconds(1))
        #expect(counts.runs.mean == .microseconds(71_800))
        #expect(counts.waits.quantile(0.5) == nil)
        #expect(JobCounts.runPlace(.hours(100)) == JobCounts.size - 1)
        #expect(JobCounts.waitPlace(.zero) < JobCounts.waitPlace(.milliseconds(2)))
    }

    @Test("spans choose the finest slots that are kept for so long", arguments: [(Duration.minutes(15), 10), (.minutes(31), 60), (.days(2), 3600)])
    func resolutions(_ span: Duration, _ seconds: Int) async throws {
        #expect(HistoryResolution.finest(over: span).rawValue == seconds)
        let broker = InMemoryBroker()
        let history = try await Inspector(broker: broker, results: broker.results).history(last: span)
        #expect(history.slots.count == Int(span.components.seconds) / seconds + (Int(span.components.seconds) % seconds == 0 ? 0 : 1))
        #expect(history.span > .zero && history.span <= span)
    }
}
