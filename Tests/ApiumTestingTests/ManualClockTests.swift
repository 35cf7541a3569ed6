import ApiumCore
import ApiumTesting
import Testing

@Suite("The manual clock")
struct ManualClockTests {
    @Test("sleepers go on when their time has come, and not before", .timeLimit(.minutes(1)))
    func sleepers() async throws {
        let clock = ManualClock(start: Timestamp(microseconds: 0))
        let short = Task { try await clock.sleep(for: .seconds(1)) }
        let long = Task { try await clock.sleep(for: .seconds(3)) }
        await clock.waitForSleepers(2)
        clock.advance(by: .seconds(2))
        try await short.value
        #expect(clock.sleeperCount == 1)
        clock.advance(by: .seconds(1))
        try await long.value
        #expect(clock.timestamp == Timestamp(microseconds: 3_000_000))
        try await clock.sleep(until: clock.now)
    }

    @Test("a cancelled sleeper goes on with an error", .timeLimit(.minutes(1)))
    func cancellation() async {
        let clock = ManualClock()
        let sleeper = Task { try await clock.pause(for: .seconds(1)) }
        await clock.waitForSleepers(1)
        sleeper.cancel()
        await #expect(throws: CancellationError.self) { try await sleeper.value }
        #expect(clock.sleeperCount == 0)
    }

    @Test("the clock never goes back")
    func backwards() {
        let clock = ManualClock()
        clock.advance(by: .seconds(5))
        clock.advance(by: .seconds(-3))
        #expect(clock.now.offset == .seconds(5))
    }
}
