import ApiumTesting
import Testing

@testable import TelegramBotAPI

@Suite("Limits of sending")
struct SendLimitsTests {
    /// Both turns of a message, for a caller who waits.
    private func send(_ limits: inout SendLimits, to chat: Int64, now: Duration) -> Duration {
        guard case .at(let turn) = limits.reserve(chat: chat, now: now) else { return .seconds(1_000_000) }
        return turn > now ? turn : limits.reserve(now: now)
    }

    @Test("a chat may have a short burst and then one message a second")
    func burst() {
        var limits = SendLimits()
        let turns = (0..<8).map { _ in send(&limits, to: 1, now: .seconds(100)) }
        #expect(turns[0] == .seconds(100))
        #expect(turns[4] < .seconds(101))
        #expect(turns[5] >= .seconds(101) && turns[6] >= .seconds(102) && turns[7] >= .seconds(103))
    }

    @Test("in the long run no chat gets more than one message a second, whatever the callers do")
    func longRun() {
        var limits = SendLimits()
        var times: [Duration] = []
        for step in 0..<200 { times.append(send(&limits, to: 1, now: .milliseconds(step * 37))) }
        for (index, time) in times.enumerated() where index >= 10 { #expect(time - times[index - 10] >= .seconds(5)) }
    }

    @Test("a group gets at most twenty messages a minute after its burst")
    func group() {
        var limits = SendLimits()
        let turns = (0..<23).map { _ in send(&limits, to: -100, now: .zero) }
        #expect(turns[22] >= .seconds(60))
    }

    @Test("over all chats at most thirty messages go in any second after the burst")
    func overall() {
        var limits = SendLimits()
        let turns = (1...400).map { send(&limits, to: Int64($0), now: .zero) }
        for index in 40..<400 { #expect(turns[index] - turns[index - 31] >= .milliseconds(999)) }
        #expect(turns[9] == .zero)
    }

    @Test("one busy chat does not hold up another, whoever asks first", arguments: [1, -1] as [Int64])
    func independence(_ busy: Int64) {
        var limits = SendLimits()
        for _ in 0..<20 { _ = send(&limits, to: busy, now: .zero) }
        #expect(send(&limits, to: 2, now: .seconds(1)) == .seconds(1))
        var reversed = SendLimits()
        #expect(send(&reversed, to: 2, now: .seconds(1)) == .seconds(1))
        for _ in 0..<20 { _ = send(&reversed, to: busy, now: .seconds(1)) }
        #expect(send(&reversed, to: 3, now: .seconds(2)) == .seconds(2))
    }

    @Test("a chat that Telegram holds back waits that long, and only it")
    func heldBack() {
        var limits = SendLimits()
        limits.holdBack(chat: 1, until: .seconds(30))
        #expect(send(&limits, to: 2, now: .seconds(1)) == .seconds(1))
        #expect(send(&limits, to: 1, now: .seconds(1)) == .seconds(30))
        #expect(send(&limits, to: 2, now: .seconds(2)) == .seconds(2))
        limits.holdBack(chat: nil, until: .seconds(40))
        #expect(send(&limits, to: 3, now: .seconds(2)) == .seconds(40))
    }

    @Test("who does not wait so long is told when to come back, each at another moment, and takes nothing")
    func comeBack() {
        var limits = SendLimits()
        limits.holdBack(chat: 1, until: .seconds(30))
        let told = (0..<3).map { _ in limits.reserve(chat: 1, now: .zero, patience: .seconds(1)) }
        #expect(told == [.comeBack(.seconds(30)), .comeBack(.seconds(31)), .comeBack(.seconds(32))])
        for second in 30..<33 { #expect(limits.reserve(chat: 1, now: .seconds(second), patience: .seconds(1)) == .at(.seconds(second))) }
        #expect(limits.reserve(chat: 2, now: .seconds(33), patience: .zero) == .at(.seconds(33)))
    }

    @Test("chats at rest are forgotten, so that memory does not grow")
    func forgets() {
        var limits = SendLimits()
        for chat in 1...10_000 { _ = send(&limits, to: Int64(chat), now: .seconds(chat * 5)) }
        #expect(limits.remembered <= 1_100)
    }
}

@Suite("The gate of sending", .timeLimit(.minutes(1)))
struct SendGateTests {
    private let clock = ManualClock()

    @Test("messages that wait for a group's turn hold up no other chat")
    func busyGroup() async throws {
        let gate = SendGate(clock: clock)
        try await withThrowingTaskGroup(of: Void.self) { group in
            for _ in 0..<15 { group.addTask { try await gate.pass(chat: -100) } }
            // Three go at once.
            await clock.waitForSleepers(12)
            try await gate.pass(chat: 77)
            try await gate.pass(chat: 88)
            #expect(clock.now.offset == .zero)
            group.cancelAll()
        }
    }

    @Test("a 429 of one chat delays the others by a second")
    func heldBack() async throws {
        let gate = SendGate(clock: clock)
        await gate.holdBack(chat: 5, for: .seconds(30))
        try await withThrowingTaskGroup(of: Void.self) { group in
            group.addTask { try await gate.pass(chat: 5) }
            await clock.waitForSleepers(1)
            clock.advance(by: .seconds(1))
            try await gate.pass(chat: 77)
            #expect(clock.now.offset == .seconds(1))
            clock.advance(by: .seconds(29))
            try await group.waitForAll()
        }
    }

    @Test("a 429 holds back what waits for the chat's turn already")
    func heldBackWhileWaiting() async throws {
        let gate = SendGate(clock: clock)
        for _ in 0..<5 { try await gate.pass(chat: 5) }
        try await withThrowingTaskGroup(of: Duration.self) { group in
            group.addTask {
                try await gate.pass(chat: 5)
                return clock.now.offset
            }
            await clock.waitForSleepers(1)
            await gate.holdBack(chat: 5, for: .seconds(30))
            clock.advance(by: .seconds(1))
            await clock.waitForSleepers(1)
            clock.advance(by: .seconds(29))
            let moment = try await group.next()
            #expect(moment == .seconds(30))
        }
    }

    @Test("who does not wait is sent away, and comes back in turn")
    func patience() async throws {
        let gate = SendGate(clock: clock)
        for _ in 0..<3 { try await gate.pass(chat: -100, patience: .seconds(1)) }
        let error = await #expect(throws: TelegramError.self) { try await gate.pass(chat: -100, patience: .seconds(1)) }
        #expect(error?.code == .outOfTurn && error?.retryAfter == .seconds(3) && error?.isTransient == true)
        try await gate.pass(chat: 77, patience: .seconds(1))
        clock.advance(by: .seconds(3))
        try await gate.pass(chat: -100, patience: .seconds(1))
    }
}
