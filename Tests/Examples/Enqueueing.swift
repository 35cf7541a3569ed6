import Apium
import DynamicJSON
import Testing

/// What the worker saw of a message.
struct Seen: Codable, Sendable, Equatable {
    var queue: String
    var priority: Int
    var tenant: String?
}

struct Look: Job {
    static let name = "shop.look"
    func run(in context: JobContext) async throws -> Seen {
        Seen(
            queue: context.queue, priority: context.message.properties.priority, tenant: context.message.headers.custom["tenant"]?.stringValue)
    }
}

/// What a caller may say about a job.
@Suite("Example: enqueueing", .timeLimit(.minutes(1)))
struct EnqueueExamples {
    private var registry: JobRegistry {
        var registry = JobRegistry()
        registry.register(Look.self)
        return registry
    }

    @Test("queue, priority and headers", arguments: Place.all)
    func words(place: Place) async throws {
        try await place.run(registry, queues: ["checks"]) { client in
            // docs: options
            let handle = try await client.enqueue(
                Look(), .on(queue: "checks").priority(3).expiring(in: .hours(1)).headers(["tenant": "acme"]))
            // docs: end
            #expect(try await handle.value(within: .seconds(20)) == Seen(queue: "checks", priority: 3, tenant: "acme"))
        }
    }

    @Test("countdown and eta: not before their time", arguments: Place.all)
    func later(place: Place) async throws {
        try await place.run(registry) { client in
            let begin = try await client.broker.serverTime()
            let noon = begin + .milliseconds(200)
            // docs: later
            let soon = try await client.enqueue(Look(), .after(.milliseconds(200)))
            let atNoon = try await client.enqueue(Look(), .at(noon))
            // docs: end
            for handle in [soon, atNoon] {
                _ = try await handle.value(within: .seconds(20))
                #expect(try await handle.document()?.state == .success)
            }
            #expect(try await client.broker.serverTime() - begin >= .milliseconds(200))
        }
    }

    @Test("a job that comes too late does not run", arguments: Place.all)
    func expired(place: Place) async throws {
        try await place.run(registry) { client in
            // docs: expired
            let late = try await client.enqueue(Look(), .after(.milliseconds(50)).expiring(in: .milliseconds(1)))
            do {
                _ = try await late.value(within: .seconds(20))
                Issue.record("it ran")
            } catch let failure as JobFailure {
                #expect(failure.isRevoked && failure.arguments == ["expired"])
            }
            // docs: end
        }
    }

    @Test("an instant that has passed is no wait, in workflows as well", arguments: Place.all)
    func past(place: Place) async throws {
        try await place.run(registry) { client in
            let past = try await client.broker.serverTime() + .seconds(-60)
            #expect(try await client.enqueue(Look(), .at(past)).value(within: .seconds(20)).queue == "celery")
            #expect(try await client.enqueue(Chain(Look()), .at(past)).value(within: .seconds(20)).queue == "celery")
        }
    }

    @Test("many jobs in one round trip", arguments: Place.all)
    func bulk(place: Place) async throws {
        try await place.run(registry) { client in
            let jobs = [Look(), Look(), Look()]
            // docs: bulk
            let bulk = try await client.enqueueAll(jobs)
            for (index, full) in bulk.refusals { print("job \(index) was refused: \(full)") }
            for handle in bulk.handles { _ = try await handle.value(within: .seconds(20)) }
            // docs: end
            #expect(bulk.items.allSatisfy { $0.outcome == .enqueued })
        }
    }

    @Test("a job that is enqueued again under its id", arguments: Place.all)
    func once(place: Place) async throws {
        try await place.run(registry) { client in
            // docs: once
            let first = try await client.enqueue(Look(), .once("order-7", within: .days(1)))
            let again = try await client.enqueue(Look(), .once("order-7", within: .days(1)))
            #expect(!first.wasKnown && again.wasKnown)
            // docs: end
            #expect(try await again.value(within: .seconds(20)) == first.value(within: .seconds(20)))
        }
    }

    @Test("a queue that is full", arguments: Place.all)
    func full(place: Place) async throws {
        try await place.run(registry) { client in
            // docs: full
            do {
                for _ in 0..<4 { try await client.enqueue(Look(), .on(queue: "slow").queueLimit(3)) }
                Issue.record("four jobs went into a queue of three")
            } catch let full as QueueFull {
                #expect(full.length == 3 && full.limit == 3)
            }
            // docs: end
            #expect(try await client.broker.queueLength("slow") == 3)
        }
    }

    @Test("what holds a job is confirmed", .enabled(if: Place.url != nil))
    func confirmed() async throws {
        try await Place.redis.run(registry) { client in
            // docs: confirmed
            let handle = try await client.enqueue(Look(), .confirmed(.replicas(1, within: .milliseconds(50))))
            if let confirmation = handle.receipt?.confirmation, !confirmation.isComplete {
                print("enqueued, but only \(confirmation.replicas) replicas have it")
            }
            // docs: end
            #expect(handle.receipt?.confirmation != nil)
        }
    }
}
