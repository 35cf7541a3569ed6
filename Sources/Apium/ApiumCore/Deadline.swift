/// Work that is not waited for beyond a moment.
package enum Deadline {
    /// What `body` answers; `nil` when the deadline has passed first. `body` is cancelled then.
    package static func run<Value: Sendable>(
        _ deadline: ContinuousClock.Instant, _ body: @escaping @Sendable () async throws -> Value?
    ) async throws -> Value? {
        try await withThrowingTaskGroup(of: Value?.self) { group in
            group.addTask { try await body() }
            group.addTask {
                // Further away than a century Swift's own sleep ends the process.
                try await Task.sleep(until: min(deadline, .now + .seconds(3_000_000_000)), clock: .continuous)
                return nil
            }
            defer { group.cancelAll() }
            return try await group.next() ?? nil
        }
    }
}
