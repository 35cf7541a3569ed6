import Apium
import Testing

// docs: job
/// Adds two numbers. The stored properties are the keyword arguments; `parameters` names them for callers that pass them by position.
struct Add: Job {
    static let name = "shop.add"
    static let parameters = ["x", "y"]
    var x: Int64
    var y: Int64

    func run(in context: JobContext) async throws -> Int64 { x + y }
}
// docs: end

// docs: dependencies
/// What the job works with is given where it is registered.
protocol Prices: Sendable {
    func price(of product: Int64) async throws -> Int64
}

struct CheckPrice: DependentJob {
    static let name = "shop.check_price"
    static let options = JobOptions(queue: "checks", retry: .exponential(attempts: 5), timeLimit: .seconds(30))
    var productID: Int64

    func run(in context: JobContext, using prices: any Prices) async throws -> Int64 {
        try await prices.price(of: productID)
    }
}
// docs: end

struct FixedPrices: Prices {
    var all: [Int64: Int64]
    func price(of product: Int64) async throws -> Int64 {
        guard let price = all[product] else { throw JobFailure(type: "KeyError", arguments: [.int(product)]) }
        return price
    }
}

/// Jobs are types; what they need is handed over at registration.
@Suite("Example: jobs", .timeLimit(.minutes(1)))
struct JobExamples {
    @Test("jobs are registered with what they work with, or as closures, and answer typed results", arguments: Place.all)
    func register(place: Place) async throws {
        let prices = FixedPrices(all: [7: 1290])
        // docs: register
        var registry = JobRegistry()
        registry.register(Add.self)
        registry.register(CheckPrice.self, using: prices)
        registry.register("shop.shout", parameters: ["text"]) { arguments, _ in
            .string((arguments.args.first?.stringValue ?? "").uppercased())
        }
        // docs: end
        try await place.run(registry, queues: ["celery", "checks"]) { client in
            // docs: enqueue
            let handle = try await client.enqueue(CheckPrice(productID: 7))
            let price = try await handle.value(within: .seconds(20))
            // docs: end
            #expect(price == 1290)
            #expect(try await client.enqueue(Add(x: 2, y: 3)).value(within: .seconds(20)) == 5)
            #expect(try await client.enqueue(task: "shop.shout", args: ["ready"]).value(within: .seconds(20)) == "READY")
        }
    }
}
