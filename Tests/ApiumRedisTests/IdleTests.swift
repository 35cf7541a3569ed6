import ApiumCore
import Randomness
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("The instants at which idle workers ask")
struct TickGridTests {
    private let second = Timestamp(microseconds: 1_795_000_000_000_000)

    @Test("a period ends at the last tick within it")
    func ends() {
        #expect(TickGrid.delay(.milliseconds(1500), tick: .milliseconds(250), at: second + .milliseconds(100)) == .milliseconds(1400))
        #expect(TickGrid.delay(.seconds(1), tick: .seconds(1), at: second + .milliseconds(990)) == .milliseconds(10))
    }

    @Test("from tick to tick it is whole, also when a timer fires a little early or late", arguments: [-1500, -1, 0, 1, 1500])
    func steady(microseconds: Int) {
        let late = Duration.microseconds(microseconds)
        #expect(TickGrid.delay(.milliseconds(1500), tick: .milliseconds(250), at: second + late) == .milliseconds(1500) - late)
    }

    @Test("it is longer than the period by two milliseconds at most, and never none")
    func bounds() {
        var dice = SplitMix(seed: 7)
        for _ in 0..<1000 {
            let now = Timestamp(microseconds: Int64.random(in: -1_000_000...1_795_000_000_000_000, using: &dice))
            let period = Duration.microseconds(Int64.random(in: 20_000...3_000_000, using: &dice))
            let delay = TickGrid.delay(period, tick: period / 6, at: now)
            #expect(delay > period * 0.8 && delay <= period + .milliseconds(2))
        }
        #expect(TickGrid.delay(.milliseconds(20), tick: .seconds(1), at: second) == .milliseconds(20))
    }
}

@Suite("Finding reads that wait in vain")
struct DeafReadsTests {
    @Test("one that waits through two looks at which something was there is deaf; what is there once is on its way")
    func deaf() {
        var reads = DeafReads()
        #expect(reads.look([1, 2], isFilled: false) == .fine)
        #expect(reads.look([1, 2], isFilled: true) == .lookAgain)
        #expect(reads.look([1, 2], isFilled: false) == .fine)
        #expect(reads.look([1, 2], isFilled: true) == .lookAgain)
        #expect(reads.look([2, 3], isFilled: true) == .deaf)
    }

    @Test("other reads than those of the last look begin anew")
    func others() {
        var reads = DeafReads()
        #expect(reads.look([1], isFilled: true) == .lookAgain)
        #expect(reads.look([2], isFilled: true) == .lookAgain)
        #expect(reads.look([], isFilled: true) == .fine)
        #expect(reads.look([2], isFilled: true) == .lookAgain)
    }
}
