import Apium
import DynamicJSON
import Testing

/// States of one's own on the way.
@Suite("Example: progress", .timeLimit(.minutes(1)))
struct ProgressExamples {
    @Test("a job tells how far it is, and readers see it", arguments: Place.all)
    func progress(place: Place) async throws {
        let (seen, see) = AsyncStream.makeStream(of: Void.self)
        var registry = JobRegistry()
        registry.register("shop.import", parameters: ["pages"]) { arguments, context in
            let pages = arguments.args[0].intValue ?? 0
            // docs: report
            try await context.updateState("PROGRESS", ["done": 1, "of": .int(pages)])
            // docs: end
            for await _ in seen { break }
            return .int(pages)
        }
        try await place.run(registry) { client in
            let handle = try await client.enqueue(task: "shop.import", args: [3])
            try await until("progress") { try await handle.state() == "PROGRESS" }
            // docs: read
            let document = try await handle.document()
            #expect(document?.state == "PROGRESS" && document?.result == ["done": 1, "of": 3])
            // docs: end
            see.yield()
            #expect(try await handle.value(within: .seconds(20)) == 3)
        }
    }
}
