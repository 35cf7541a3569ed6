extension ApiumClient {
    /// Sets or changes a limit, for all workers and from now on; jobs that have begun are not counted by a new one.
    ///
    /// ```swift
    /// try await client.setLimit(Limit(rate: .perMinute(30), concurrency: 2), on: .eachKey("host"))
    /// ```
    ///
    /// - Throws: ``ApiumError`` `badArguments` for a limit or a target that cannot be.
    public func setLimit(_ limit: Limit, on target: HoldTarget) async throws { try await broker.setLimit(limit, on: target) }

    /// Clears a limit: what waits goes first, in order.
    public func clearLimit(on target: HoldTarget) async throws { try await broker.setLimit(nil, on: target) }

    /// Lets no job of the target begin, on no worker, until it is resumed; what runs goes on. False when it was paused already.
    @discardableResult
    public func pause(_ target: HoldTarget) async throws -> Bool { try await broker.pause(target) }

    /// Ends a pause: what waits goes first, in order. False when it was not paused.
    @discardableResult
    public func resume(_ target: HoldTarget) async throws -> Bool { try await broker.resume(target) }

    /// All limits and pauses, and how many jobs wait for each.
    public func holds() async throws -> [HoldRow] { try await broker.holds() }
}
