import Apium
import DynamicJSON
import Synchronization
import Testing

/// What a job may tell its worker by throwing.
@Suite("Example: instructions", .timeLimit(.minutes(1)))
struct InstructionExamples {
    @Test("snooze comes back uncounted, ignore stores nothing, reject refuses for good or gives back", arguments: Place.all)
    func instructions(place: Place) async throws {
        let shop = Shop()
        var registry = JobRegistry()
        // docs: instructions
        registry.register("shop.wait") { _, context in
            guard shop.opens() else { throw Snooze(for: .milliseconds(10)) }  // later, not counted as a retry
            return .int(Int64(context.retries))
        }
        registry.register("shop.announce") { _, context in
            try await context.updateState("ANNOUNCED", "by hand")
            throw Ignore()  // done; nothing is stored
        }
        registry.register("shop.refuse") { _, _ in
            throw Reject("no such product")  // FAILURE, kept in the dead set
        }
        registry.register("shop.pass_on") { _, context in
            guard context.redelivered else { throw Reject(requeue: true) }  // to the back of its queue
            return "taken"
        }
        // docs: end
        try await place.run(registry) { client in
            #expect(try await client.enqueue(task: "shop.wait").value(within: .seconds(20)) == 0)
            #expect(shop.visits == 3)
            let refused = try await client.enqueue(task: "shop.refuse")
            let failure = await #expect(throws: JobFailure.self) { try await refused.value(within: .seconds(20)) }
            #expect(failure?.is("Reject") == true)
            #expect(try await client.enqueue(task: "shop.pass_on").value(within: .seconds(20)) == "taken")
            let announced = try await client.enqueue(task: "shop.announce")
            // The queue is empty and the state stays what the job made it.
            #expect(try await client.enqueue(task: "shop.wait").value(within: .seconds(20)) == 0)
            try await until("announced") { try await announced.state() == "ANNOUNCED" }
        }
    }
}

/// Opens at the third visit.
private final class Shop: Sendable {
    private let count = Mutex(0)
    var visits: Int { count.withLock { $0 } }

    func opens() -> Bool {
        count.withLock { count in
            guard count < 3 else { return true }
            count += 1
            return count == 3
        }
    }
}

/// Waits until something is so, twenty seconds at most; looks again whenever others had their turn.
func until(_ what: String, _ holds: () async throws -> Bool) async throws {
    let deadline = ContinuousClock.now + .seconds(20)
    while ContinuousClock.now < deadline {
        if try await holds() { return }
        await Task.yield()
    }
    throw ApiumError(.timedOut, "waited for: \(what)")
}
