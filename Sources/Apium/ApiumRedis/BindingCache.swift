import ApiumCore
import Synchronization

/// What exchanges were bound to when their tables were last read: kept for a short time, so that a producer pays one look-up for many
/// messages and still learns of a new consumer.
final class BindingCache: Sendable {
    /// How long a table that was read counts.
    static let age = Duration.seconds(5)

    private struct Entry {
        let table: BindingTable
        let readAt: ContinuousClock.Instant
    }

    private let entries = Mutex<[String: Entry]>([:])

    /// The table of an exchange, if it was read lately.
    func table(of exchange: String, at now: ContinuousClock.Instant = .now) -> BindingTable? {
        entries.withLock { entries in
            guard let entry = entries[exchange], now - entry.readAt < Self.age else { return nil }
            return entry.table
        }
    }

    /// Keeps a table. At most a thousand exchanges are remembered: names may come from messages.
    func keep(_ table: BindingTable, of exchange: String, at now: ContinuousClock.Instant = .now) {
        entries.withLock { entries in
            if entries.count >= 1000 { entries.removeAll() }
            entries[exchange] = Entry(table: table, readAt: now)
        }
    }
}

/// The rows of an exchange's binding table, as kombu writes them: routing key, pattern, queue.
struct BindingTable: Sendable, Equatable {
    private var queues: [String: [String]] = [:]
    /// Whether a row has a pattern: then the exchange is no direct one.
    private(set) var hasPatterns = false

    init(rows: [String], separator: String) {
        for row in rows.sorted() {
            let parts = row.split(separator: separator, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 3, !parts[2].isEmpty else { continue }
            if !parts[1].isEmpty { hasPatterns = true }
            queues[parts[0], default: []].append(parts[2])
        }
    }

    /// The queues that get what is published with a routing key, sorted.
    func queues(for routingKey: String) -> [String] { queues[routingKey] ?? [] }
}
