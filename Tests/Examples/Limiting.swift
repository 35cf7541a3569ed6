import Apium
import DynamicJSON
import Synchronization
import Testing

/// How many runs there are at once.
private final class Meter: Sendable {
    private let state = Mutex((now: 0, most: 0, all: 0))
    var most: Int { state.withLock(\.most) }
    var all: Int { state.withLock(\.all) }

    func enter() {
        state.withLock {
            $0.now += 1
            $0.all += 1
            $0.most = max($0.most, $0.now)
        }
    }

    func leave() { state.withLock { $0.now -= 1 } }
}

// docs: key
private struct FetchPage: DependentJob {
    static let name = "shop.fetch_page"
    var host: String
    var path: String

    /// All jobs that carry this key share its limit.
    var limitKey: LimitKey? { LimitKey("host", host) }

    func run(in context: JobContext, using meters: [String: Meter]) async throws -> NoOutput {
        // docs: end
        meters[host]?.enter()
        defer { meters[host]?.leave() }
        try await context.sleep(for: .milliseconds(20))
        return NoOutput()
    }
}

/// Limits and pauses.
@Suite("Example: limiting", .timeLimit(.minutes(1)))
struct LimitExamples {
    @Test("jobs of one host wait for one another, and not for other hosts", arguments: Place.all)
    func perHost(place: Place) async throws {
        let meters = ["a.example": Meter(), "b.example": Meter()]
        var registry = JobRegistry()
        registry.register(FetchPage.self, using: meters)
        try await place.run(registry) { client in
            // docs: limit
            // At most one request at a time to each host, and no more than 600 in a minute.
            try await client.setLimit(Limit(rate: .perMinute(600, burst: 10), concurrency: 1), on: .eachKey("host"))
            // A host that said it can take more.
            try await client.setLimit(.concurrency(3), on: .key(LimitKey("host", "b.example")))
            // docs: end
            for number in 0..<8 {
                for host in meters.keys { try await client.enqueue(FetchPage(host: host, path: "/\(number)")) }
            }
            try await until("all pages are fetched") { meters.values.allSatisfy { $0.all == 8 } }
            #expect(meters["a.example"]?.most == 1)
            #expect(try #require(meters["b.example"]).most <= 3)
        }
    }

    @Test("a message of a sender that knows no keys is limited by what the job's type works out", arguments: Place.all)
    func foreign(place: Place) async throws {
        let meters = ["a.example": Meter()]
        var registry = JobRegistry()
        registry.register(FetchPage.self, using: meters)
        try await place.run(registry) { client in
            try await client.setLimit(.concurrency(1), on: .eachKey("host"))
            for number in 0..<6 { try await client.enqueue(task: FetchPage.name, kwargs: ["host": "a.example", "path": .string("/\(number)")]) }
            try await until("all pages are fetched") { meters["a.example"]?.all == 6 }
            #expect(meters["a.example"]?.most == 1)
        }
    }

    @Test("a paused job waits without holding up others, and is resumed in order", arguments: Place.all)
    func pause(place: Place) async throws {
        let order = Mutex<[Int64]>([])
        var registry = JobRegistry()
        registry.register("shop.mail", parameters: ["number"]) { arguments, _ in
            let number = arguments.kwargs["number"]?.intValue ?? 0
            order.withLock { $0.append(number) }
            return .null
        }
        registry.register("shop.add") { _, _ in 3 }
        try await place.run(registry, concurrency: 1) { client in
            // docs: pause
            try await client.pause(.job("shop.mail"))
            // docs: end
            let mails = try await (0..<5).asyncMap { try await client.enqueue(task: "shop.mail", kwargs: ["number": .int(Int64($0))]) }
            let other = try await client.enqueue(task: "shop.add")
            #expect(try await other.value(within: .seconds(20)) == 3)
            try await until("all mails wait") { try await client.holds().first?.waiting == 5 }
            #expect(order.withLock { $0.isEmpty })
            // docs: resume
            try await client.resume(.job("shop.mail"))
            // docs: end
            for mail in mails { _ = try await mail.value(within: .seconds(20)) }
            #expect(order.withLock { $0 } == [0, 1, 2, 3, 4])
        }
    }

    @Test("a paused queue gives nothing until it is resumed", arguments: Place.all)
    func pausedQueue(place: Place) async throws {
        var registry = JobRegistry()
        registry.register("shop.add") { _, _ in 3 }
        try await place.run(registry, queues: ["slow", "quick"]) { client in
            try await client.pause(.queue("slow"))
            let held = try await client.enqueue(task: "shop.add", .on(queue: "slow"))
            let other = try await client.enqueue(task: "shop.add", .on(queue: "quick"))
            #expect(try await other.value(within: .seconds(20)) == 3)
            #expect(try await held.state() == .pending)
            try await client.resume(.queue("slow"))
            #expect(try await held.value(within: .seconds(20)) == 3)
        }
    }
}

extension Sequence where Element: Sendable {
    fileprivate func asyncMap<Outcome>(_ body: (Element) async throws -> Outcome) async throws -> [Outcome] {
        var outcomes: [Outcome] = []
        for element in self { outcomes.append(try await body(element)) }
        return outcomes
    }
}
