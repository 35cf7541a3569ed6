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
        let polling = script.polling
        do {
            for try await update in polling {
                read.append(update.id)
                polling.end(update)
            }
        } catch {}
        return read
    }

    @Test("updates that have ended are confirmed by the next question")
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

    @Test("nothing is confirmed from the oldest update on that has not ended, and what comes again meanwhile is not handed out again")
    func unfinished() async throws {
        let script = Script([.batch([10, 11]), .batch([10, 11, 12]), .batch([12, 13]), .batch([14])])
        let polling = script.polling
        var iterator = polling.makeAsyncIterator()
        var updates: [TelegramUpdate] = []
        for _ in 0..<3 { if let update = try await iterator.next() { updates.append(update) } }
        #expect(updates.map(\.id) == [10, 11, 12] && script.offsets == [nil, 10])
        polling.end(updates[1])
        #expect(polling.offset == 10)
        polling.end(updates[0])
        #expect(polling.offset == 12)
        #expect(try await iterator.next()?.id == 13 && script.offsets == [nil, 10, 12])
        polling.end(updates[2])
        polling.end(TelegramUpdate(id: 13, content: .other))
        #expect(try await iterator.next()?.id == 14 && script.offsets.last == 14)
    }

    @Test("while all that there is is under way it waits, and asks again at once when the oldest ends", .timeLimit(.minutes(1)))
    func busy() async throws {
        let script = Script([.batch([10]), .batch([10]), .batch([11])])
        let asked = AsyncStream.makeStream(of: Void.self)
        let polling = UpdatePolling(
            logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }),
            pause: { _ in
                asked.continuation.yield()
                try await Task.sleep(for: .seconds(600))
            }
        ) { try script.next($0) }
        var iterator = polling.makeAsyncIterator()
        let first = try await iterator.next()
        let next = Task { [iterator] in
            var iterator = iterator
            return try await iterator.next()
        }
        for await _ in asked.stream { break }
        polling.end(try #require(first))
        #expect(try await next.value?.id == 11)
        #expect(script.offsets == [nil, 10, 11])
    }

    @Test("a hundred under way are as many as Telegram shows: the next are asked for when the oldest ends", .timeLimit(.minutes(1)))
    func full() async throws {
        let script = Script([.batch(Array(1...100)), .batch(Array(2...101))])
        let polling = script.polling
        var iterator = polling.makeAsyncIterator()
        for _ in 1...100 { _ = try await iterator.next() }
        let next = Task { [iterator] in
            var iterator = iterator
            return try await iterator.next()
        }
        polling.end(TelegramUpdate(id: 1, content: .other))
        #expect(try await next.value?.id == 101)
        #expect(script.offsets == [nil, 2])
    }

    @Test("an update that never ends holds up the others for a minute at most", .timeLimit(.minutes(1)))
    func endless() async throws {
        let script = Script([.batch(Array(1...100)), .batch(Array(101...150))])
        let polling = script.polling
        var iterator = polling.makeAsyncIterator()
        for id in 1...100 {
            let update = try #require(try await iterator.next())
            if id > 1 { polling.end(update) }
        }
        for id in 101...150 { #expect(try await iterator.next()?.id == Int64(id)) }
        #expect(script.offsets == [nil, 101])
        #expect(script.pauses.withLock { $0 } == [UpdatePolling.fullPause])
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
