import Apium
import DynamicJSON
import Testing

// docs: inside
struct Plan: Job {
    static let name = "shop.plan"
    static let parameters = ["parts"]
    var parts: [Int64]

    func run(in context: JobContext) async throws -> Int64 {
        try await context.enqueue(Add(x: 0, y: 0))  // a child of this job
        try await context.send(Signature("shop.add", 1, 1))  // any canvas
        let sums = parts.map { Signature("shop.add", .int($0), 1) }
        try await context.replace(with: .group(sums) | Signature("shop.total"))  // takes this job's place
    }
}
// docs: end

/// What a job may send.
@Suite("Example: inside a job", .timeLimit(.minutes(1)))
struct InsideExamples {
    @Test("a job sends children, and lets a canvas take its place", arguments: Place.all)
    func sends(place: Place) async throws {
        var registry = JobRegistry()
        registry.register(Add.self)
        registry.register(Plan.self)
        registry.register("shop.total") { arguments, _ in .int((arguments.args[0].arrayValue ?? []).compactMap(\.intValue).reduce(0, +)) }
        try await place.run(registry) { client in
            let total = try await client.enqueue(Plan(parts: [1, 2, 3])).value(within: .seconds(20))
            #expect(total == 9)
        }
    }

    @Test("a part of a chord adds parts to it", arguments: Place.all)
    func adds(place: Place) async throws {
        var registry = JobRegistry()
        registry.register(Add.self)
        registry.register("shop.total") { arguments, _ in .int((arguments.args[0].arrayValue ?? []).compactMap(\.intValue).reduce(0, +)) }
        registry.register("shop.more") { _, context in
            // docs: add
            try await context.addToChord(Signature("shop.add", 10, 20))
            // docs: end
            return 1
        }
        try await place.run(registry) { client in
            let chord = Signature.chord(header: [Signature("shop.more"), Signature("shop.add", 2, 3)], body: Signature("shop.total"))
            let handle = try #require(try await client.send(chord))
            #expect(try await handle.value(within: .seconds(20)) == 36)
        }
    }
}
