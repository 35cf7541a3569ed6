import ApiumCore
import DynamicJSON
import PriceWatchJobs
import PriceWatchModel
import Synchronization
import TelegramBotAPI
import Testing

@testable import PriceWatchBot

@Suite("Notifications")
struct NotificationTests {
    /// Results that were stored.
    private struct Results: ResultBackend {
        var done: Set<String> = []
        func store(_ document: ResultDocument) async throws {}
        func document(for id: String) async throws -> ResultDocument? { done.contains(id) ? ResultDocument(id: id, state: .success) : nil }
        func wait(for id: String, within timeout: Duration) async throws -> ResultDocument? { nil }
        func forget(_ id: String) async throws {}
        func documents(for ids: [String]) async throws -> [ResultDocument?] { [] }
        func saveGroup(_ id: String, _ tuple: JSONValue) async throws {}
        func savedGroup(_ id: String) async throws -> JSONValue? { nil }
        func open(_ chords: [ChordSetup]) async throws {}
        func expectMore(_ count: Int, partsOf group: String) async throws {}
        func bring(_ parts: [ChordPart]) async throws -> [ChordClaim] { [] }
        func resume(_ claim: ChordClaim) async throws -> Bool { false }
        func content(of group: String) async throws -> ChordContent { ChordContent(parts: []) }
        func close(_ claim: ChordClaim) async throws -> Bool { false }
        func abandon(_ group: String) async throws {}
    }

    /// What was enqueued.
    private final class Queue: JobEnqueuing {
        let marks = Mutex<[MarkDelivered]>([])
        let rests = Mutex<[RestNotification]>([])
        let isAway = Mutex(false)
        func enqueueJob<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions) async throws -> String {
            if isAway.withLock({ $0 }) { throw ChatFault(.unavailable, "away") }
            if let rest = job as? RestNotification { rests.withLock { $0.append(rest) } }
            if let mark = job as? MarkDelivered { marks.withLock { $0.append(mark) } }
            return "x"
        }
    }

    private let api = FakeAPI()
    private let queue = Queue()
    private let job = Notify(
        Notification(
            outboxID: 9, chatID: 77, language: .english, watchID: 4,
            change: PriceChange(
                productID: 1, name: "Kettle", link: "https://shop.example/1", old: Money(minorUnits: 200, currency: .usd),
                new: Money(minorUnits: 100, currency: .usd))))

    private func run(
        results: Results = Results(), notAfter: Int64? = nil, at seconds: Double = 1_000, _ send: @escaping NotificationSender.Send
    ) async throws -> Notify.Delivery {
        var job = job
        job.notification.notAfter = notAfter
        var sender = NotificationSender(api: api, results: results, send: send)
        sender.now = { Timestamp(seconds: seconds) }
        let message = Message(
            headers: Message.Headers(task: Notify.name, id: Notify.id(outbox: 9, key: "k")), properties: Message.Properties(),
            body: Message.Body(bytes: Array("[]".utf8)))
        let context = JobContext(message: message, queue: Queues.notifications, fence: 1, worker: "test", logger: silent, client: queue)
        return try await job.run(in: context, using: sender)
    }

    @Test("it is sent, and the outbox is told the message's id")
    func sent() async throws {
        #expect(try await run { _, chat in chat * 10 } == .sent)
        #expect(queue.marks.withLock { $0.map(\.messageID) } == [770])
        #expect(queue.marks.withLock { $0.first?.redelivered } == false)
    }

    @Test("a run whose result is stored already sends nothing")
    func alreadySent() async throws {
        let delivery = try await run(results: Results(done: ["notify-9-k"])) { _, _ in
            Issue.record("sent a second time")
            return 1
        }
        #expect(delivery == .alreadySent)
    }

    @Test("once its user's quiet hours have begun it is not sent, and the outbox is told that it rests")
    func quietHours() async throws {
        #expect(try await run(notAfter: 1_000, at: 999.9) { _, _ in 1 } == .sent)
        let never: NotificationSender.Send = { _, _ in
            Issue.record("sent in quiet hours")
            return 1
        }
        #expect(try await run(notAfter: 1_000, at: 1_000, never) == .rested)
        #expect(queue.rests.withLock { $0.map(\.outboxID) } == [9] && queue.rests.withLock { $0.map(\.job) } == ["notify-9-k"])
        queue.isAway.withLock { $0 = true }
        let retry = await #expect(throws: Retry.self) { try await run(notAfter: 1_000, at: 2_000, never) }
        #expect(retry?.maxRetries == nil)
    }

    @Test(
        "trouble on the way puts it back for as long as it takes",
        arguments: [TelegramError.Code.network, .unavailable, .badResponse, .unauthorized, .conflict, .outOfTurn])
    func trouble(_ code: TelegramError.Code) async {
        let retry = await #expect(throws: Retry.self) { try await run { _, _ in throw TelegramError(code, "trouble") } }
        #expect(retry?.maxRetries == nil)
        #expect(queue.marks.withLock { $0.isEmpty })
    }

    @Test("an answer that says sent, but not as which message, is the end of it")
    func sentUnknown() async throws {
        #expect(try await run { _, _ in nil } == .sent)
        #expect(queue.marks.withLock { $0.map(\.messageID) } == [nil])
    }

    @Test("a 429 is waited out as long as Telegram says")
    func tooMany() async {
        let retry = await #expect(throws: Retry.self) { try await run { _, _ in throw TelegramError(.tooManyRequests, "slow down", retryAfter: .seconds(17)) } }
        #expect(retry?.delay == .seconds(17))
    }

    @Test("a chat that has had its messages for now gets it at its turn, and no place of the worker is kept for it")
    func outOfTurn() async {
        let retry = await #expect(throws: Retry.self) {
            try await run { _, _ in throw TelegramError(.outOfTurn, "not now", retryAfter: .seconds(40)) }
        }
        #expect(retry?.delay == .seconds(40) && retry?.maxRetries == nil)
    }

    @Test("pauses grow, with a bound")
    func pauses() {
        let error = TelegramError(.network, "gone")
        let pauses = [0, 1, 5, 20, 1_000].map { NotificationSender.pause(after: error, retries: $0, jitter: 1) }
        #expect(pauses == [.seconds(1), .seconds(2), .seconds(32), .seconds(300), .seconds(300)])
    }

    @Test("a chat that blocked the bot rests, and the job is done")
    func blocked() async throws {
        #expect(try await run { _, _ in throw TelegramError(.blocked, "Forbidden: bot was blocked by the user") } == .blocked)
        #expect(api.state.withLock { $0.blocked[77] } == true)
        api.state.withLock { $0.fault = ChatFault(.unavailable, "away") }
        await #expect(throws: Retry.self) { try await run { _, _ in throw TelegramError(.chatNotFound, "chat not found") } }
    }

    @Test("a group that moved gets it at its new id, to which the API has moved what it follows")
    func moved() async throws {
        let delivery = try await run { _, chat in
            guard chat == -100 else { throw TelegramError(.migrated, "moved", migrateToChatID: -100) }
            return 5
        }
        #expect(delivery == .sent)
        #expect(api.state.withLock { $0.moves } == [[77, -100]])
    }

    @Test("a group that moved and then threw the bot out rests under its new id, and the job is done")
    func movedAndGone() async throws {
        let delivery = try await run { _, chat in
            throw chat == -100 ? TelegramError(.blocked, "Forbidden: bot was kicked") : TelegramError(.migrated, "moved", migrateToChatID: -100)
        }
        #expect(delivery == .blocked)
        #expect(api.state.withLock { $0.blocked } == [-100: true])
    }

    @Test("trouble in the new chat is waited out as in any other, and so is an API that cannot be told")
    func movedIntoTrouble() async {
        let retry = await #expect(throws: Retry.self) {
            try await run { _, chat in
                throw chat == -100 ? TelegramError(.tooManyRequests, "slow", retryAfter: .seconds(9)) : TelegramError(.migrated, "moved", migrateToChatID: -100)
            }
        }
        #expect(retry?.delay == .seconds(9))
        api.state.withLock { $0.fault = ChatFault(.unavailable, "away") }
        await #expect(throws: Retry.self) {
            try await run { _, chat in
                if chat == -100 { Issue.record("sent where no button of it would work") }
                throw TelegramError(.migrated, "moved", migrateToChatID: -100)
            }
        }
    }
}

@Suite("Requests to the API")
struct PendingRequestsTests {
    @Test("replies find their own question in any order, and late ones nobody")
    func correlation() throws {
        var pending = PendingRequests<Int>()
        var ids: [String] = []
        for number in 0..<100 {
            let made = pending.makeID()
            let id = try #require(made)
            ids.append(id)
            pending.add(id, frame: "f\(number)", waiter: number)
        }
        #expect(Set(ids).count == 100)
        for (number, id) in ids.enumerated().shuffled() { #expect(pending.take(id) == number) }
        #expect(pending.take(ids[0]) == nil && pending.count == 0)
    }

    @Test("a new session sends what is still waiting, oldest first")
    func again() {
        var pending = PendingRequests<Int>()
        for number in 0..<20 { pending.add(pending.makeID() ?? "", frame: "f\(number)", waiter: number) }
        #expect(pending.frames == (0..<20).map { "f\($0)" })
    }

    @Test("there is a bound")
    func bound() {
        var pending = PendingRequests<Int>(limit: 2)
        for number in 0..<2 { pending.add(pending.makeID() ?? "", frame: "", waiter: number) }
        #expect(pending.makeID() == nil)
        #expect(pending.takeAll().count == 2)
        #expect(pending.makeID() != nil)
    }

    @Test("one chat cannot take all lanes, and is told once")
    func lanes() {
        var lanes = UpdateLanes(perChat: 2, overall: 3)
        #expect(lanes.admit(1) == .run && lanes.admit(1) == .run)
        #expect(lanes.admit(1) == .refuse(isFirst: true) && lanes.admit(1) == .refuse(isFirst: false))
        #expect(lanes.admit(2) == .run && lanes.admit(3) == .wait)
        lanes.ended(1)
        #expect(lanes.admit(1) == .run)
        lanes.ended(2)
        #expect(lanes.admit(1, isVital: true) == .run, "what nobody would send again")
    }
}
