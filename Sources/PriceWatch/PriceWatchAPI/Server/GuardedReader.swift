import Logging
import PriceWatchModel

/// A reader whose faults are 503: the cause goes to the log, and no word of it to a client.
struct GuardedReader: PriceReader {
    let base: any PriceReader
    let logger: Logger

    func products(_ query: ProductQuery) async throws -> [Product] { try await guarded { try await base.products(query) } }

    func product(_ id: Int64, followedBy chatID: Int64?) async throws -> Product? { try await guarded { try await base.product(id, followedBy: chatID) } }

    func history(ofProduct id: Int64, followedBy chatID: Int64?, limit: Int) async throws -> [PricePoint]? {
        try await guarded { try await base.history(ofProduct: id, followedBy: chatID, limit: limit) }
    }

    func watches(ofChat chatID: Int64, after: Int64?, limit: Int) async throws -> [Watch] {
        try await guarded { try await base.watches(ofChat: chatID, after: after, limit: limit) }
    }

    func watch(_ id: Int64, ofChat chatID: Int64) async throws -> Watch? { try await guarded { try await base.watch(id, ofChat: chatID) } }

    func user(ofChat chatID: Int64) async throws -> User? { try await guarded { try await base.user(ofChat: chatID) } }

    func preferences(ofChat chatID: Int64) async throws -> UserPreferences { try await guarded { try await base.preferences(ofChat: chatID) } }

    private func guarded<Value>(_ body: () async throws -> Value) async throws -> Value {
        do {
            return try await body()
        } catch let error as CancellationError {
            throw error
        } catch {
            logger.error("A read of the database failed", metadata: ["error": "\(error)"])
            throw APIError(.unavailable, "the database did not answer; try again")
        }
    }
}
