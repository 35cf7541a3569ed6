import Apium
import Testing

struct PriceOf: Job {
    static let name = "shop.price_of"
    var product: Int

    func run(in context: JobContext) async throws -> String {
        guard product > 0 else { throw JobFailure(type: "ValueError", arguments: ["no such product"]) }
        return "price of \(product)"
    }
}

/// Jobs that were set aside, and what may be done with them.
@Suite("Example: shelves", .timeLimit(.minutes(1)))
struct ShelfExamples {
    @Test("a job that failed for good is found, put right and run again", arguments: Place.all)
    func dead(place: Place) async throws {
        var registry = JobRegistry()
        registry.register(PriceOf.self)
        try await place.run(registry) { client in
            let handle = try await client.enqueue(PriceOf(product: -7))
            await #expect(throws: JobFailure.self) { try await handle.value(within: .seconds(20)) }
            // docs: look
            let dead = client.shelf(.dead)
            for record in try await dead.records(ShelfFilter(task: "shop.*", reason: "no such product")) {
                print(record.id, record.queue, record.attempts, record.reason)
            }
            // docs: end
            #expect(try await dead.record(handle.id)?.task == PriceOf.name)
            // docs: edit
            try await dead.requeue(handle.id) { job in
                job.kwargs["product"] = 7
                job.retries = 0
            }
            // docs: end
            #expect(try await dead.records().isEmpty)
            while try await handle.document()?.state != .success { try await Task.sleep(for: .milliseconds(5)) }
            #expect(try await handle.value(within: .seconds(20)) == "price of 7")
        }
    }
}
