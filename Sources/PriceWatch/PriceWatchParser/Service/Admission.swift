import Synchronization

/// How many pages are under way; beyond the bound a call is refused at once instead of waiting past its deadline.
final class Admission: Sendable {
    private let most: Int
    private let underWay = Mutex(0)

    init(most: Int) {
        self.most = most
    }

    /// Runs the body when there is room for that many pages; nil when there is none.
    func admit<Value>(_ pages: Int, _ body: () async throws -> Value) async rethrows -> Value? {
        let isAdmitted = underWay.withLock { count in
            guard count + pages <= most else { return false }
            count += pages
            return true
        }
        guard isAdmitted else { return nil }
        defer { underWay.withLock { $0 -= pages } }
        return try await body()
    }
}
