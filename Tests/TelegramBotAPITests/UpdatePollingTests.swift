import Logging
import Synchronization
import Testing

@testable import TelegramBotAPI

@Suite("Polling for updates")
struct UpdatePollingTests {
    /// Answers scripted batches, and notes the offsets that were asked for.
    private final class Script: Sendable {
        enum Step: Sendable {
            case batch([Int64])
            case fail(TelegramError)
        }
        private let state: Mutex<(steps: [Step], offsets: [Int64?])>
        let pauses = Mutex<[Duration]>([])

        init(_ steps: [Step]) { state = Mutex((steps, [])) }

        var offsets: [Int64?] { state.withLock { $0.offsets } }

        func next(_ offset: Int64?) throws -> [TelegramUpdate] {
            let step = state.withLock { state -> Step? in
                state.offsets.append(offset)
                return state.steps.isEmpty ? nil : state.steps.removeFirst()
            }
            switch step {
            case .batch(let ids)?: return ids.map { TelegramUpdate(id: $0, content: .other) }
            case .fail(let error)?: throw error
            case nil: throw TelegramError(.unauthorized, "the script is over")
            }
        }

        var polling: UpdatePolling {
            UpdatePolling(
                logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }), pause: { pause in self.pauses.withLock { $0.append(pause) } },
                jitter: { 1 }
            ) {
                try self.next($0)
            }
        }
    }

    private func read(_ script: Script) async -> [Int64] {
        var read: [Int64] = []
        do { for try await update in script.polling { read.append(update.id) } } catch {}
        return read
    }

    @Test("an update is confirmed only when its whole batch has been taken")
    func confirmation() async {
        let script = Script([.batch([10, 11]), .batch([]), .batch([12])])
        #expect(await read(script) == [10, 11, 12])
        #expect(script.offsets == [nil, 12, 12, 13])
    }

    @Test("what interrupts a batch leaves it unconfirmed")
    func interruption() async throws {
        let script = Script([.batch([10, 11])])
        var iterator = script.polling.makeAsyncIterator()
        #expect(try await iterator.next()?.id == 10)
        #expect(script.offsets == [nil])
    }

    @Test("trouble is waited out with growing pauses, and no update is lost")
    func trouble() async {
        let network = TelegramError(.network, "gone")
        let script = Script([.batch([1]), .fail(network), .fail(network), .fail(network), .batch([2])])
        #expect(await read(script) == [1, 2])
        #expect(script.offsets == [nil, 2, 2, 2, 2, 3])
        let pauses = script.pauses.withLock { $0 }
        #expect(pauses == [.seconds(1), .seconds(2), .seconds(4)])
    }

    @Test("a 429 is waited out as long as it says")
    func tooMany() async {
        let script = Script([.fail(TelegramError(.tooManyRequests, "slow down", retryAfter: .seconds(17))), .batch([1])])
        #expect(await read(script) == [1])
        #expect(script.pauses.withLock { $0 } == [.seconds(17)])
    }

    @Test("a wrong token ends the polling")
    func unauthorized() async {
        let script = Script([.fail(TelegramError(.unauthorized, "no"))])
        await #expect(throws: TelegramError.self) { for try await _ in script.polling {} }
    }
}
