import Apium
import DynamicJSON
import Testing

// docs: error
/// A Python class of this name in this module is raised with the same arguments.
struct OutOfStock: DecodableJobFailure, Equatable {
    static let failureType = "OutOfStock"
    static let failureModule = "shop.errors"
    var product: Int64

    init(product: Int64) { self.product = product }
    init?(failureArguments: [JSONValue]) {
        guard let product = failureArguments.first?.intValue else { return nil }
        self.product = product
    }
    var failureArguments: [JSONValue] { [.int(product)] }
}
// docs: end

struct Buy: Job {
    static let name = "shop.buy"
    static let parameters = ["product"]
    var product: Int64
    func run(in context: JobContext) async throws -> NoOutput {
        // docs: throw
        if product < 0 { throw JobFailure(type: "ValueError", arguments: ["no such product"]) }  // builtins.ValueError in Python
        throw OutOfStock(product: product)
        // docs: end
    }
}

/// Errors that go through the result and come out as themselves.
@Suite("Example: failures", .timeLimit(.minutes(1)))
struct FailureExamples {
    @Test("an error is thrown where it is waited for, as itself or as what Python knows", arguments: Place.all)
    func failures(place: Place) async throws {
        var registry = JobRegistry()
        registry.register(Buy.self)
        try await place.run(registry) { client in
            for product: Int64 in [7, -1] {
                var seen = ""
                // docs: catch
                var client = client
                client.failures.register(OutOfStock.self)
                let handle = try await client.enqueue(Buy(product: product))
                do {
                    _ = try await handle.value(within: .seconds(20))
                } catch let error as OutOfStock {
                    seen = "out of stock: \(error.product)"
                } catch let failure as JobFailure where failure.is("ValueError") {
                    seen = failure.arguments[0].stringValue ?? ""
                }
                // docs: end
                #expect(seen == (product == 7 ? "out of stock: 7" : "no such product"))
            }
        }
    }
}
