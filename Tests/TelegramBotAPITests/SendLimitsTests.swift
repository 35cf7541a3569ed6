import Testing

@testable import TelegramBotAPI

@Suite("Limits of sending")
struct SendLimitsTests {
    private func seconds(_ value: Double) -> Duration { .milliseconds(Int64(value * 1_000)) }

    @Test("a chat may have a short burst and then one message a second")
    func burst() {
        var limits = SendLimits()
        let turns = (0..<8).map { _ in limits.reserve(chat: 1, now: .seconds(100)) }
        #expect(turns[0] == .seconds(100))
        #expect(turns[4] < .seconds(101))
        #expect(turns[5] >= .seconds(101) && turns[6] >= .seconds(102) && turns[7] >= .seconds(103))
    }

    @Test("in the long run no chat gets more than one message a second, whatever the callers do")
    func longRun() {
        var limits = SendLimits()
        var times: [Duration] = []
        for step in 0..<200 { times.append(limits.reserve(chat: 1, now: .milliseconds(step * 37))) }
        for (index, time) in times.enumerated() where index >= 10 { #expect(time - times[index - 10] >= .seconds(5)) }
    }

    @Test("a group gets at most twenty messages a minute after its burst")
    func group() {
        var limits = SendLimits()
        let turns = (0..<23).map { _ in limits.reserve(chat: -100, now: .zero) }
        #expect(turns[22] >= .seconds(60))
    }

    @Test("over all chats at most thirty messages go in any second after the burst")
    func overall() {
        var limits = SendLimits()
        let turns = (1...400).map { limits.reserve(chat: Int64($0), now: .zero) }
        for index in 40..<400 { #expect(turns[index] - turns[index - 31] >= .milliseconds(999)) }
        #expect(turns[9] == .zero)
    }

    @Test("one busy chat does not hold up another")
    func independence() {
        var limits = SendLimits()
        for _ in 0..<20 { _ = limits.reserve(chat: 1, now: .zero) }
        #expect(limits.reserve(chat: 2, now: .seconds(1)) < .seconds(21))
    }

    @Test("a chat that Telegram holds back waits that long, and only it")
    func heldBack() {
        var limits = SendLimits()
        limits.holdBack(chat: 1, until: .seconds(30))
        #expect(limits.reserve(chat: 2, now: .seconds(1)) == .seconds(1))
        #expect(limits.reserve(chat: 1, now: .seconds(1)) == .seconds(30))
        limits.holdBack(chat: nil, until: .seconds(40))
        #expect(limits.reserve(chat: 3, now: .seconds(2)) == .seconds(40))
    }

    @Test("chats at rest are forgotten, so that memory does not grow")
    func forgets() {
        var limits = SendLimits()
        for chat in 1...10_000 { _ = limits.reserve(chat: Int64(chat), now: .seconds(chat * 5)) }
        #expect(limits.remembered <= 1_100)
    }
}
