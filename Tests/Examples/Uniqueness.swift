import Apium
import DynamicJSON
import Synchronization
import Testing

// docs: job
struct RebuildIndex: DependentJob {
    static let name = "shop.rebuild_index"
    // A second rebuild of the same shop is not enqueued while one waits or runs.
    static let options = JobOptions(unique: .untilEnded)
    var shop: String
    var reason: String

    /// Whatever the reason, it is the same rebuild. Without this all arguments count.
    var uniqueKey: String? { shop }

    func run(in context: JobContext, using gate: Gate) async throws -> String {
        // docs: end
        try await gate.wait()
        return reason
    }
}

/// Holds runs up until it is opened.
final class Gate: Sendable {
    private let isOpen = Mutex(false)
    func open() { isOpen.withLock { $0 = true } }
    func wait() async throws {
        while !isOpen.withLock({ $0 }) {
            try Task.checkCancellation()
            await Task.yield()
        }
    }
}

/// Jobs of which there is only one.
@Suite("Example: uniqueness", .timeLimit(.minutes(1)))
struct UniqueExamples {
    @Test("a second job of the key is not enqueued, and its caller gets the first one's handle", arguments: Place.all)
    func untilEnded(place: Place) async throws {
        let gate = Gate()
        var registry = JobRegistry()
        registry.register(RebuildIndex.self, using: gate)
        try await place.run(registry) { client in
            // docs: enqueue
            let first = try await client.enqueue(RebuildIndex(shop: "acme", reason: "new prices"))
            let second = try await client.enqueue(RebuildIndex(shop: "acme", reason: "new names"))
            // second.isDuplicate, and second.id == first.id: whoever waits for it gets the first one's result.
            // docs: end
            #expect(!first.isDuplicate && second.isDuplicate && second.id == first.id)
            let other = try await client.enqueue(RebuildIndex(shop: "other", reason: "new"))
            #expect(!other.isDuplicate)
            gate.open()
            #expect(try await second.value(within: .seconds(20)) == "new prices")
            #expect(try await other.value(within: .seconds(20)) == "new")
            let next = try await client.enqueue(RebuildIndex(shop: "acme", reason: "again"))
            #expect(!next.isDuplicate)
            #expect(try await next.value(within: .seconds(20)) == "again")
        }
    }

    @Test("a call says that it is unique, for how long, and by what", arguments: Place.all)
    func calls(place: Place) async throws {
        var registry = JobRegistry()
        registry.register("shop.add") { _, _ in 3 }
        try await place.run(registry) { client in
            let args: [JSONValue] = [1, 2]
            // docs: calls
            let once = try await client.enqueue(task: "shop.add", args: args, .unique(for: .minutes(5)))  // not again for five minutes
            let keyed = try await client.enqueue(task: "shop.add", .unique(.whileQueued.by("sum")))  // until it begins to run
            // docs: end
            #expect(try await once.value(within: .seconds(20)) == 3)
            #expect(try await keyed.value(within: .seconds(20)) == 3)
            #expect(try await client.enqueue(task: "shop.add", args: args, .unique(for: .minutes(5))).isDuplicate)
            #expect(try await !client.enqueue(task: "shop.add", args: [2, 1], .unique(for: .minutes(5))).isDuplicate)
            #expect(try await !client.enqueue(task: "shop.add", .unique(.whileQueued.by("sum"))).isDuplicate)
        }
    }

    @Test("jobs that are unique while they run are all run, one after another", arguments: Place.all)
    func whileRunning(place: Place) async throws {
        let state = Mutex((now: 0, most: 0))
        var registry = JobRegistry()
        registry.register("shop.import") { _, context in
            state.withLock {
                $0.now += 1
                $0.most = max($0.most, $0.now)
            }
            try await context.sleep(for: .milliseconds(10))
            state.withLock { $0.now -= 1 }
            return .null
        }
        try await place.run(registry) { client in
            var handles: [JobHandle<JSONValue>] = []
            for _ in 0..<6 { handles.append(try await client.enqueue(task: "shop.import", .unique(.whileRunning.by("acme")))) }
            for handle in handles { _ = try await handle.value(within: .seconds(20)) }
            #expect(Set(handles.map(\.id)).count == 6)
            #expect(state.withLock { $0.most } == 1)
        }
    }

    @Test("a job that fails, is retried or is cancelled leaves no lock when it has ended", arguments: Place.all)
    func ends(place: Place) async throws {
        var registry = JobRegistry()
        registry.register("shop.fail", options: JobOptions(retry: .exponential(attempts: 3, base: .milliseconds(1)))) { _, _ in throw JobFailure(type: "Sad") }
        try await place.run(registry) { client in
            let failing = try await client.enqueue(task: "shop.fail", .unique())
            await #expect(throws: JobFailure.self) { try await failing.value(within: .seconds(20)) }
            let cancelled = try await client.enqueue(task: "shop.fail", .after(.milliseconds(200)).unique(.whileQueued.by("cancelled")))
            try await cancelled.revoke()
            await #expect(throws: JobFailure.self) { try await cancelled.value(within: .seconds(20)) }
            try await until("no lock is left") { try await client.broker.uniqueLocks(limit: 10).isEmpty }
        }
    }
}
