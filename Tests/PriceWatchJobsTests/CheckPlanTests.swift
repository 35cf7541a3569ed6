import PriceWatchModel
import Randomness
import Testing

@Suite("When products are checked")
struct CheckPlanTests {
    private static let second: Int64 = 1_000_000

    /// How many of the products have their slot in each minute of the interval.
    private func minutes(_ products: some Sequence<Int64>, interval: Int64) -> [Int] {
        var counts = [Int](repeating: 0, count: Int(interval / 60 / Self.second))
        for product in products { counts[Int(CheckPlan.phase(of: product, in: interval) / 60 / Self.second)] += 1 }
        return counts
    }

    @Test("products whose ids follow each other are spread so evenly that no minute has more than its share and four", arguments: [900, 3_600, 21_600, 86_400])
    func evenly(seconds: Int64) {
        var random = SplitMix(seed: UInt64(seconds))
        for count in [60, 1_000, 7_777, 60_000] {
            let first = Int64.random(in: 1...1_000_000_000, using: &random)
            let counts = minutes(first..<(first + Int64(count)), interval: seconds * Self.second)
            let share = Double(count) / Double(counts.count)
            #expect(Double(counts.max() ?? 0) <= share + 4, "\(count) products in \(seconds) s from id \(first)")
            #expect(Double(counts.min() ?? 0) >= share - 4)
        }
    }

    @Test("products of any ids are spread as by a hash: no minute has half as much again as its share", arguments: 1...10)
    func anyIDs(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        let products = (0..<60_000).map { _ in Int64.random(in: 1...Int64.max, using: &random) }
        let counts = minutes(products, interval: 3_600 * Self.second)
        #expect(counts.allSatisfy { (500...1_500).contains($0) }, "the share is 1000: \(counts.min() ?? 0) to \(counts.max() ?? 0)")
        let everyThird = minutes((0..<60_000).map { $0 * 3 }, interval: 3_600 * Self.second)
        #expect(everyThird.allSatisfy { (500...1_500).contains($0) })
    }

    @Test("the next check is a slot of the product's own, a quarter to five quarters of the interval away", arguments: 1...10)
    func next(seed: Int) {
        var random = SplitMix(seed: UInt64(seed))
        for _ in 0..<2_000 {
            let product = Int64.random(in: Int64.min...Int64.max, using: &random)
            let interval = Int64.random(in: 1...31_536_000, using: &random) * Self.second
            let now = Int64.random(in: -1_000_000_000...4_000_000_000, using: &random) * Self.second + Int64.random(in: 0..<Self.second, using: &random)
            let slot = CheckPlan.next(of: product, after: now, interval: interval, jitter: 0)
            let phase = CheckPlan.phase(of: product, in: interval)
            #expect((0..<interval).contains(phase))
            #expect((slot - phase) % interval == 0)
            #expect(slot - now >= interval / 4 && slot - now < interval + interval / 4 + 1)
        }
    }

    @Test("a check that is late by less than half its interval, and moved by jitter, is followed by the next slot: none is skipped, none comes twice")
    func steadily() {
        var random = SplitMix(seed: 7)
        for _ in 0..<2_000 {
            let product = Int64.random(in: 1...1_000_000, using: &random)
            let interval = Int64.random(in: 60...86_400, using: &random) * Self.second
            let slot = CheckPlan.next(of: product, after: 1_800_000_000 * Self.second, interval: interval, jitter: 0)
            let checked = CheckPlan.next(of: product, after: slot - interval, interval: interval, jitter: .random(in: -1...1, using: &random))
            let ended = checked + Int64.random(in: 0...(interval / 2), using: &random)
            #expect(CheckPlan.next(of: product, after: ended, interval: interval, jitter: 0) == slot + interval)
        }
    }

    @Test("jitter moves a slot by a twentieth of the interval and by 30 seconds at most")
    func jitter() {
        for seconds in [Int64(60), 600, 86_400] {
            let plain = CheckPlan.next(of: 7, after: 0, interval: seconds * Self.second, jitter: 0)
            let late = CheckPlan.next(of: 7, after: 0, interval: seconds * Self.second, jitter: 1)
            let early = CheckPlan.next(of: 7, after: 0, interval: seconds * Self.second, jitter: -5)
            #expect(late - plain == min(seconds * Self.second / 20, 30 * Self.second))
            #expect(plain - early == late - plain)
        }
    }

    @Test("what was missed is spread over half an hour, or the interval where that is shorter")
    func recovery() {
        let plan = CheckPlan()
        let now: Int64 = 1_800_000_000 * Self.second
        for (seconds, width) in [(Int64(86_400), Int64(1_800)), (600, 600)] {
            var counts = [Int](repeating: 0, count: 10)
            for product in Int64(1)...5_000 {
                let due = plan.recovered(product, at: now, interval: seconds * Self.second)
                #expect(due > now && due <= now + width * Self.second)
                counts[min(9, Int((due - now - 1) * 10 / (width * Self.second)))] += 1
            }
            #expect(counts.allSatisfy { (490...510).contains($0) }, "\(counts)")
        }
    }

    @Test("a claim lasts as long as the interval, but from two to thirty minutes")
    func lease() {
        #expect([5, 600, 86_400].map { CheckPlan.lease(interval: $0 * Self.second) / Self.second } == [120, 600, 1_800])
    }
}

@Suite("What failed checks lead to")
struct CheckBackoffTests {
    private let backoff = CheckBackoff()

    private func delays(_ failure: ParseFailure, interval: Int = 3_600, count: Int = 8) -> [Int] {
        (0..<count).map { backoff.step(after: failure, before: $0, interval: interval).delay }
    }

    @Test("pauses double by kind of failure, up to a day")
    func growing() {
        #expect(delays(.timedOut) == [3_600, 7_200, 14_400, 28_800, 57_600, 86_400, 86_400, 86_400])
        #expect(delays(.unreachable) == delays(.timedOut))
        #expect(delays(.noPrice, count: 4) == [7_200, 14_400, 28_800, 57_600])
        #expect(delays(.blocked, count: 4) == [14_400, 28_800, 57_600, 86_400])
        #expect(delays(.notFound, count: 2) == [14_400, 28_800])
    }

    @Test("a product that is checked less often than daily is not checked more often for failing")
    func rare() {
        for failure in ParseFailure.allCases { #expect(delays(failure, interval: 604_800).allSatisfy { $0 >= 604_800 }) }
    }

    @Test("whatever was counted, the arithmetic holds", arguments: [Int.max / 8, 1 << 40, 1_000, -5])
    func extremes(before: Int) {
        for failure in ParseFailure.allCases {
            let step = backoff.step(after: failure, before: min(before, Int.max - 1), interval: 31_536_000)
            #expect((1...31_536_000).contains(step.delay))
        }
    }

    @Test("Retry-After is waited for, up to a week")
    func retryAfter() {
        #expect(backoff.step(after: .blocked, before: 0, interval: 60, retryAfter: 5_000).delay == 5_000)
        #expect(backoff.step(after: .blocked, before: 0, interval: 60, retryAfter: 1).delay == 240)
        #expect(backoff.step(after: .unreachable, before: 0, interval: 60, retryAfter: Int.max).delay == 604_800)
    }

    @Test("followers are told at the third failure; only what is permanent is paused, at the sixth")
    func telling() {
        for failure in ParseFailure.allCases where failure.isOfTheLink {
            let steps = (0..<10).map { backoff.step(after: failure, before: $0, interval: 60) }
            #expect(steps.map(\.failures) == Array(1...10))
            #expect(steps.map(\.isWorthTelling) == (1...10).map { $0 >= 3 })
            #expect(steps.map(\.isPaused) == (1...10).map { failure.isPermanent && $0 >= 6 })
        }
    }

    @Test("a parser that is away is not the link's fault")
    func parser() {
        let step = backoff.step(after: .parserUnavailable, before: 5, interval: 60)
        #expect(step.failures == 5 && step.delay == 60 && !step.isWorthTelling && !step.isPaused)
    }
}
