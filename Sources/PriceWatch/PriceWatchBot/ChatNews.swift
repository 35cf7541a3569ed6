import Synchronization

/// The newest update on each chat of which the API is being told: what is older must not be told after it.
final class ChatNews: Sendable {
    private let newest = Mutex<[Int64: Int64]>([:])

    func begin(_ update: Int64, of chat: Int64) { newest.withLock { $0[chat] = max($0[chat] ?? update, update) } }

    func isNewest(_ update: Int64, of chat: Int64) -> Bool { newest.withLock { ($0[chat] ?? update) <= update } }

    func end(_ update: Int64, of chat: Int64) {
        newest.withLock { if $0[chat] == update { $0[chat] = nil } }
    }
}
