import Logging

/// The bot's updates by long polling, for ever: trouble on the way is waited out.
///
/// An update is confirmed to Telegram only when it and all before it have been told to have ended (``end(_:)``), so what a crash interrupts comes again:
/// handle updates so that a second time does no harm. At most a hundred are handed out beyond the oldest that has not ended: Telegram shows no more. When it
/// has not ended within a minute from then on, it is confirmed all the same, so that one update holds up no other for longer.
public struct UpdatePolling: AsyncSequence, Sendable {
    public typealias Element = TelegramUpdate

    /// Gets the updates from an offset on.
    public typealias Source = @Sendable (_ offset: Int64?) async throws -> [TelegramUpdate]

    let source: Source
    let pause: @Sendable (Duration) async throws -> Void
    let jitter: @Sendable () -> Double
    let logger: Logger
    private let ledger = UpdateLedger()

    /// The most updates of one answer.
    static let batch = 100
    /// How long to wait before asking again for what is known, unless the oldest update ends: Telegram answers such a question at once.
    static let knownPause = Duration.milliseconds(250)

    /// How long a full window waits for its oldest update.
    static let fullPause = Duration.seconds(60)

    /// Makes the sequence over any source.
    public init(
        logger: Logger, pause: @escaping @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) },
        jitter: @escaping @Sendable () -> Double = { Double.random(in: 0.5...1) }, source: @escaping Source
    ) {
        self.source = source
        self.pause = pause
        self.jitter = jitter
        self.logger = logger
    }

    /// Says that an update is done with: it need not come again.
    public func end(_ update: TelegramUpdate) { ledger.end(update.id) }

    /// The offset that confirms what has ended, for a last call before the end; `nil` when there is nothing to confirm.
    public var offset: Int64? { ledger.offset }

    public func makeAsyncIterator() -> Iterator { Iterator(polling: self) }

    /// Asks for more when all that came was handed out.
    public struct Iterator: AsyncIteratorProtocol {
        let polling: UpdatePolling
        private var batch: ArraySlice<TelegramUpdate> = []
        private var failures = 0

        init(polling: UpdatePolling) { self.polling = polling }

        /// The next update.
        /// - Throws: ``TelegramError`` `unauthorized` or `unknownMethod`, which no waiting mends, and `CancellationError`.
        public mutating func next() async throws -> TelegramUpdate? {
            while batch.isEmpty {
                do {
                    try await ask()
                } catch let error as TelegramError where ![.unauthorized, .unknownMethod].contains(error.code) {
                    try await waitOut(error)
                }
            }
            return batch.popFirst()
        }

        private mutating func ask() async throws {
            let ledger = polling.ledger
            let moves = ledger.moves
            if ledger.count >= UpdatePolling.batch {
                try await waitForMove(after: moves, atMost: UpdatePolling.fullPause)
                if ledger.moves == moves, let id = ledger.passOver() {
                    polling.logger.warning("an update takes long and holds up the others; it will not come again", metadata: ["update": "\(id)"])
                }
            }
            let answer = try await polling.source(ledger.offset)
            if failures > 0 { polling.logger.info("updates come again") }
            failures = 0
            batch = ledger.admit(answer)[...]
            if batch.isEmpty, !answer.isEmpty { try await waitForMove(after: moves, atMost: UpdatePolling.knownPause) }
        }

        /// All that there is is under way: goes on when the oldest has ended, or in a little while, for what is new.
        private func waitForMove(after moves: Int, atMost limit: Duration) async throws {
            let (ledger, pause) = (polling.ledger, polling.pause)
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await ledger.waitForMove(after: moves) }
                group.addTask { try? await pause(limit) }
                await group.next()
                group.cancelAll()
            }
            try Task.checkCancellation()
        }

        private mutating func waitOut(_ error: TelegramError) async throws {
            failures += 1
            let growing = Swift.min(0.5 * Double(1 << Swift.min(failures, 10)), 30)
            let wait = error.retryAfter ?? .milliseconds(Int64(growing * polling.jitter() * 1_000))
            polling.logger.log(
                level: failures == 3 ? .warning : .info, "no updates for now", metadata: ["error": "\(error)", "again_in": "\(wait)"])
            try await polling.pause(wait)
        }
    }
}

extension TelegramBot {
    /// The bot's updates by long polling.
    /// - Parameters:
    ///   - kinds: what to get; `nil` for Telegram's default.
    ///   - wait: how long one poll waits. Default: 25 seconds.
    public func updates(_ kinds: [String]? = nil, wait: Duration = .seconds(25)) -> UpdatePolling {
        UpdatePolling(logger: logger) { offset in
            try await getUpdates(offset: offset, wait: wait, allowed: kinds)
        }
    }
}
