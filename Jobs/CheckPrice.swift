import ApiumCore
import PriceWatchModel

/// Reads one product's page, compares it with the database and, on a change, has its followers told.
///
/// Running it twice is harmless: the second run finds the price stored already, and of one claim one failure is counted.
public struct CheckPrice: DependentJob {
    public static let name = "pricewatch.check_price"
    public static let options = JobOptions(queue: Queues.checks, timeLimit: .seconds(90))
    public static let parameters = ["product_id"]

    /// The name of the key by which scheduled checks are limited: the shop's host. A check that somebody asked for waits for nobody.
    public static let limitName = "host"

    /// The product.
    public var productID: Int64
    /// The claim under which the schedule took the product; `nil` for a check that somebody asked for, which is always made.
    public var claim: Int64?

    /// Makes the job.
    public init(productID: Int64, claim: Int64? = nil) {
        self.productID = productID
        self.claim = claim
    }

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> String {
        let link: String
        switch try await services.store.target(ofProduct: productID, claim: claim) {
        case .link(let found): link = found
        case .superseded: return "superseded"
        case .gone: return "gone"
        }
        do {
            let page = try await services.read(link)
            return try await services.store.record(page, forProduct: productID, asker: nil).word
        } catch let trouble as PageTrouble {
            try await services.store.recordFailure(trouble, forProduct: productID, claim: claim)
            return trouble.failure.rawValue
        }
    }

    enum CodingKeys: String, CodingKey {
        case productID = "product_id"
        case claim
    }
}

extension CheckResult {
    /// The job's result.
    var word: String {
        switch self {
        case .unchanged: "unchanged"
        case .changed: "changed"
        case .recovered: "recovered"
        case .gone: "gone"
        }
    }
}
