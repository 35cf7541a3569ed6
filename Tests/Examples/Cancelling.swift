import Apium
import DynamicJSON
import Testing

// docs: visitor
struct ByTenant: StampVisitor {
    var tenant: String
    func task(_ signature: Signature) -> [String: JSONValue] { ["tenant": .string(tenant)] }
}
// docs: end

/// Revokes, by id and by stamp.
@Suite("Example: cancelling", .timeLimit(.minutes(1)))
struct CancelExamples {
    private func registry(_ started: AsyncStream<Void>.Continuation) -> JobRegistry {
        var registry = JobRegistry()
        registry.register("shop.watch") { _, context in
            started.yield()
            try await context.sleep(for: .hours(1))
            return .null
        }
        registry.register("shop.add") { _, _ in 3 }
        return registry
    }

    @Test("a job is cancelled by its id, waiting or running", arguments: Place.all)
    func byID(place: Place) async throws {
        let (starts, started) = AsyncStream.makeStream(of: Void.self)
        try await place.run(registry(started)) { client in
            let running = try await client.enqueue(task: "shop.watch")
            for await _ in starts { break }
            let waiting = try await client.enqueue(task: "shop.add", .after(.hours(1)))
            // docs: revoke
            try await waiting.revoke()  // never runs
            try await running.revoke()  // its task is cancelled
            // docs: end
            let failure = await #expect(throws: JobFailure.self) { try await running.value(within: .seconds(20)) }
            #expect(failure?.isRevoked == true)
            try await until("the waiting job is revoked") { try await waiting.state() == .revoked }
        }
    }

    @Test("all jobs with a stamp are cancelled together", arguments: Place.all)
    func byStamp(place: Place) async throws {
        let (_, started) = AsyncStream.makeStream(of: Void.self)
        try await place.run(registry(started)) { client in
            let checks = [Signature("shop.add", 1, 2).after(.milliseconds(300)), Signature("shop.add", 3, 4).after(.milliseconds(300))]
            // docs: stamps
            let canvas = try Signature.group(checks).stamped(by: ByTenant(tenant: "acme"))
            let handle = try await client.send(canvas)
            try await client.revoke(stamped: ["tenant": ["acme"]])
            // docs: end
            for member in try #require(handle).members {
                let failure = await #expect(throws: JobFailure.self) { try await member.value(within: .seconds(20)) }
                #expect(failure?.isRevoked == true)
            }
        }
    }

    @Test("what is sent after a revoke by its stamp never runs, however soon a worker claims it", arguments: Place.all)
    func stampBeforeClaim(place: Place) async throws {
        var registry = JobRegistry()
        registry.register("shop.never") { _, _ in throw JobFailure(type: "RuntimeError", arguments: ["it ran"]) }
        registry.register("shop.add") { _, _ in 3 }
        try await place.run(registry) { client in
            for round in 0..<100 {
                try await client.revoke(stamped: ["round": [.int(Int64(round))]])
                let handle = try #require(try await client.send(try Signature("shop.never").stamped(["round": .int(Int64(round))])))
                let failure = await #expect(throws: JobFailure.self) { try await handle.value(within: .seconds(20)) }
                #expect(failure?.isRevoked == true)
            }
            let other = try #require(try await client.send(try Signature("shop.add").stamped(["round": 100])))
            #expect(try await other.value(within: .seconds(20)) == 3)
        }
    }
}
