import Apium
import ApiumTesting
import ApiumWorker
import ApiumYAML
import DynamicJSON
import Testing

// docs: typed
struct Import: Job {
    static let name = "shop.import_prices"
    var since: Timestamp
    var price: ExactDecimal

    func run(in context: JobContext) async throws -> ExactDecimal { price }
}
// docs: end

/// How values travel.
@Suite("Example: messages and values", .timeLimit(.minutes(1)))
struct ValueExamples {
    @Test("dates and decimals come through as they are", arguments: Place.all)
    func typed(place: Place) async throws {
        var registry = JobRegistry()
        registry.register(Import.self)
        try await place.run(registry) { client in
            let price = try #require(ExactDecimal("12.90"))
            #expect(try await client.enqueue(Import(since: Timestamp(seconds: 0), price: price)).value(within: .seconds(20)) == price)
        }
    }

    @Test("a worker reads the serialisations it accepts, compressed or not")
    func content() async throws {
        // docs: accept
        var configuration = WorkerConfiguration(queues: ["checks"])
        configuration.acceptedContent = AcceptedContent([.json, .yaml])  // `import ApiumYAML` brings .yaml
        // docs: end
        var registry = JobRegistry()
        registry.register("shop.import") { arguments, _ in arguments.args[0] }
        let longList: JSONValue = .array((0..<1000).map { .int($0) })
        let broker = InMemoryBroker()
        let client = ApiumClient(broker: broker, results: broker.results, defaultQueue: "checks")
        try await TestWorker.run(registry, client: client, configuration: configuration) { client in
            // docs: compressed
            let options = EnqueueOptions.with { $0.format = ContentFormat(.yaml, compression: .zstd) }
            let handle = try await client.enqueue(task: "shop.import", args: [longList], options)
            // docs: end
            #expect(try await handle.value(within: .seconds(20)) == longList)
        }
    }
}
