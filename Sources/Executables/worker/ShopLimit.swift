import Apium
import Logging
import PriceWatchJobs
import ServiceLifecycle

/// Puts the deployment's limit on the checks of one shop into force when a worker starts. What is changed with `apium limits` counts until
/// the next one does.
struct ShopLimit: Service {
    var limit: Limit?
    var client: ApiumClient
    var logger: Logger

    /// The limit of the settings; `nil`: none. 0 is no bound.
    ///
    /// - Throws: ``ApiumError`` when the rate is none.
    static func limit(rate: String, concurrency: Int) throws -> Limit? {
        let rate = rate == "0" ? nil : try Limit.Rate(text: rate, burst: 5)
        let limit = Limit(rate: rate, concurrency: concurrency == 0 ? nil : concurrency)
        return limit.rate == nil && limit.concurrency == nil ? nil : limit
    }

    func run() async throws {
        await cancelWhenGracefulShutdown { await set() }
        try? await gracefulShutdown()
    }

    /// Tries until the broker can be reached: jobs run only then.
    private func set() async {
        while !Task.isCancelled {
            do {
                let target = HoldTarget.eachKey(CheckPrice.limitName)
                if try await client.holds().first(where: { $0.target == target })?.limit == limit { return }
                if let limit { try await client.setLimit(limit, on: target) } else { try await client.clearLimit(on: target) }
                return
            } catch {
                logger.notice("the limit of checks could not be set; trying again", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: .seconds(1))
            }
        }
    }
}
