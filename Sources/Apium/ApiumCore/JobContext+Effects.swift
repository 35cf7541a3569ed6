extension JobContext {
    /// Says that the job has just done something that others see, such as a write to a database or a call of another service. In production nothing
    /// happens; in a crash lab (`ApiumTesting`) it is a place at which the worker may die.
    ///
    /// ```swift
    /// try await bank.charge(order, key: context.id)
    /// try await context.effect("charged")
    /// ```
    ///
    /// - Throws: `CancellationError` in a crash lab, when the run is over.
    public func effect(_ name: String) async throws { try await EffectPoints.observer?(name) }
}

/// Who is told of the effects that jobs declare.
public enum EffectPoints {
    /// Told of each ``JobContext/effect(_:)`` of the tasks below the one that set it. Default: nobody.
    @TaskLocal public static var observer: (@Sendable (_ name: String) async throws -> Void)?
}
