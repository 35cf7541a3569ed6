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
    /// - Parameter patience: how long to wait for the chat's turn; `nil`: as long as it takes. The common turn is waited for in any case.
    /// - Throws: ``TelegramError`` `outOfTurn`, with the time to come back after, when the chat's turn is farther away; `CancellationError`: the turn is
    ///   used up all the same.
    public func pass(chat: Int64, patience: Duration? = nil) async throws {
        let start = now()
        switch limits.reserve(chat: chat, now: start, patience: patience) {
        case .comeBack(let moment): throw TelegramError.outOfTurn(wait: moment - start)
        case .at(let turn): if turn > start { try await sleep(turn - start) }
        }
        // A 429 may have come meanwhile.
        while true {
            let wait = limits.heldUntil(chat: chat) - now()
            if wait <= .zero { break }
            if let patience, wait > patience { throw TelegramError.outOfTurn(wait: wait) }
            try await sleep(wait)
        }
        let moment = now()
        let turn = limits.reserve(now: moment)
        if turn > moment { try await sleep(turn - moment) }
    }

    /// Telegram said to wait: this chat does, and what goes to all others pauses for a second, because the limit may have been the common one.
    public func holdBack(chat: Int64, for pause: Duration) {
        let moment = now()
        limits.holdBack(chat: chat, until: moment + pause)
        limits.holdBack(chat: nil, until: moment + min(pause, .seconds(1)))
    }
}
