import ApiumCore
import PriceWatchModel

/// Reads one product's page, compares it with the database and, on a change, has its followers told.
///
/// Running it twice is harmless: the second run finds the price stored already.
public struct CheckPrice: DependentJob {
    public static let name = "pricewatch.check_price"
    public static let options = JobOptions(queue: Queues.checks, timeLimit: .seconds(90))
    public static let parameters = ["product_id"]

    /// The product.
    public var productID: Int64

    /// Makes the job.
    public init(productID: Int64) { self.productID = productID }

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> String {
        guard let link = try await services.store.link(ofProduct: productID) else { return "gone" }
        do {
            let page = try await services.parser.parse(link, within: services.rules.parseDeadline)
            switch try await services.store.record(page, forProduct: productID) {
            case .unchanged: return "unchanged"
            case .gone: return "gone"
            case .changed: return "changed"
            }
        } catch let failure as ParseFailure {
            try await services.store.recordFailure(failure, forProduct: productID)
            return failure.rawValue
        }
    }

    enum CodingKeys: String, CodingKey {
        case productID = "product_id"
    }
}
