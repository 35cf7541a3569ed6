import Foundation
import Synchronization

/// What a product's pages do instead of answering, for tests.
struct Fault: Sendable, Equatable {
    /// The status to answer with; nil answers as usual.
    var status: Int?
    /// How long to wait before answering.
    var delay: Duration = .zero
    /// The seconds that `Retry-After` says; nil leaves it out.
    var retryAfter: Int?
}

/// The products as they are now, the faults set on them, and how often each was fetched.
final class Shelf: Sendable {
    private struct State {
        var products: [ShopProduct]
        var faults: [String: Fault] = [:]
        var fetches: [String: Int] = [:]
    }

    /// What is kept in the file.
    private struct Kept: Codable {
        var price: Int64
        var availability: ShopAvailability
    }

    private let state: Mutex<State>
    private let file: URL?
    /// Files are written in order, and not on a thread that serves.
    private let writer = DispatchQueue(label: "sample-shop.file")

    /// Takes the prices from the file where it has them.
    /// - Throws: an error when there is a file that can't be read.
    init(file path: String?) throws {
        file = path.map { URL(fileURLWithPath: $0) }
        var products = Catalogue.products
        if let file, FileManager.default.fileExists(atPath: file.path) {
            let kept = try JSONDecoder().decode([String: Kept].self, from: Data(contentsOf: file))
            for index in products.indices {
                guard let old = kept[products[index].id], old.price > 0 else { continue }
                products[index].price = old.price
                products[index].availability = old.availability
            }
        }
        state = Mutex(State(products: products))
    }

    var products: [ShopProduct] { state.withLock { $0.products } }

    func product(_ id: String) -> ShopProduct? { products.first { $0.id == id } }

    func product(article: Int64) -> ShopProduct? { products.first { $0.article == article } }

    /// Changes what is given; the file follows.
    func change(_ id: String, price: Int64?, availability: ShopAvailability?) {
        let kept = state.withLock { state in
            if let index = state.products.firstIndex(where: { $0.id == id }) {
                if let price { state.products[index].price = price }
                if let availability { state.products[index].availability = availability }
            }
            return Dictionary(uniqueKeysWithValues: state.products.map { ($0.id, Kept(price: $0.price, availability: $0.availability)) })
        }
        guard let file else { return }
        writer.async {
            let encoder = JSONEncoder()
            encoder.outputFormatting = [.prettyPrinted, .sortedKeys]
            try? encoder.encode(kept).write(to: file, options: .atomic)
        }
    }

    /// Returns when the file holds the last change.
    func waitForFile() {
        writer.sync {}
    }

    func setFault(_ fault: Fault?, on id: String) {
        state.withLock { $0.faults[id] = fault }
    }

    /// Counts a fetch of the product's data and gives the fault to answer with.
    func fetched(_ id: String) -> Fault? {
        state.withLock { state in
            state.fetches[id, default: 0] += 1
            return state.faults[id]
        }
    }

    var fetches: [String: Int] { state.withLock { $0.fetches } }
}
