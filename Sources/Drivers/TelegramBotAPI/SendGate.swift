/// Has every sender wait for its turn under ``SendLimits``.
public actor SendGate {
    private var limits: SendLimits
    private let now: @Sendable () -> Duration
    private let sleep: @Sendable (Duration) async throws -> Void

    /// Makes a gate.
    /// - Parameter clock: tells the time and waits; a manual one in tests.
    public init<Time: Clock<Duration>>(limits: SendLimits = SendLimits(), clock: Time) {
        self.limits = limits
        let start = clock.now
        now = { start.duration(to: clock.now) }
        sleep = { try await clock.sleep(for: $0) }
    }

    /// Returns when a message to the chat may go.
    /// - Throws: `CancellationError`; the turn is used up all the same.
    public func pass(chat: Int64) async throws {
        let start = now()
        let turn = limits.reserve(chat: chat, now: start)
        if turn > start { try await sleep(turn - start) }
    }

    /// Telegram said to wait: this chat does, and what goes to all others pauses for a second, because the limit may have been the common one.
    public func holdBack(chat: Int64, for pause: Duration) {
        let moment = now()
        limits.holdBack(chat: chat, until: moment + pause)
        limits.holdBack(chat: nil, until: moment + min(pause, .seconds(1)))
    }
}
