import Apium
import DynamicJSON
import Testing

struct ShopIsDown: Error {}
struct PageGone: Error {}

// docs: policy
struct Fetch: Job {
    static let name = "shop.fetch"
    static let parameters = ["attempts"]
    // Five runs in all, each wait twice as long as the one before.
    static let options = JobOptions(retry: .exponential(attempts: 5, base: .milliseconds(1)))
    var attempts: Int

    func run(in context: JobContext) async throws -> Int {
        if context.retries + 1 < attempts { throw ShopIsDown() }
        return context.retries
    }
}
// docs: end

// docs: retry
struct Ask: Job {
    static let name = "shop.ask"
    static let parameters = ["page"]
    var page: Int

    func run(in context: JobContext) async throws -> Int {
        // The next run has other arguments, and goes before others.
        if page < 3 { throw Retry(after: .zero, reason: ShopIsDown(), kwargs: ["page": .int(Int64(page + 1))], options: .priority(0)) }
        return page
    }
}
// docs: end

/// Running again.
@Suite("Example: retries", .timeLimit(.minutes(1)))
struct RetryExamples {
    @Test("a policy brings a failed job back with the same id", arguments: Place.all)
    func policy(place: Place) async throws {
        var registry = JobRegistry()
        registry.register(Fetch.self)
        registry.register(Ask.self)
        try await place.run(registry) { client in
            let handle = try await client.enqueue(Fetch(attempts: 3))
            #expect(try await handle.value(within: .seconds(20)) == 2)
            #expect(try await client.enqueue(Ask(page: 1)).value(within: .seconds(20)) == 3)
        }
    }

    @Test("a policy is a function of attempt and error")
    func custom() {
        // docs: policies
        let careful = RetryPolicy { failure in
            failure.error is PageGone ? .giveUp : .after(.seconds(30) * (failure.retries + 1))
        }
        // As Celery's autoretry_for, with its back-off.
        let celerys = RetryPolicy.autoretry(maxRetries: 3, backoff: 1, jitter: false) { $0 is ShopIsDown }
        // docs: end
        #expect(careful.decision(after: .init(retries: 0, error: PageGone())) == .giveUp)
        #expect(careful.decision(after: .init(retries: 1, error: ShopIsDown())) == .after(.seconds(60)))
        #expect(celerys.decision(after: .init(retries: 2, error: ShopIsDown())) == .after(.seconds(4)))
        #expect(celerys.decision(after: .init(retries: 3, error: ShopIsDown())) == .giveUp)
        #expect(celerys.decision(after: .init(retries: 0, error: PageGone())) == .giveUp)
    }
}
