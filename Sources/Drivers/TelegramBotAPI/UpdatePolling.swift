import Logging

/// The bot's updates by long polling, for ever: trouble on the way is waited out.
///
/// An update is confirmed to Telegram only when the loop asks for the one after its batch, so what a crash interrupts comes again: handle updates so
/// that a second time does no harm.
public struct UpdatePolling: AsyncSequence, Sendable {
    public typealias Element = TelegramUpdate

    /// Gets the updates from an offset on.
    public typealias Source = @Sendable (_ offset: Int64?) async throws -> [TelegramUpdate]

    let source: Source
    let pause: @Sendable (Duration) async throws -> Void
    let jitter: @Sendable () -> Double
    let logger: Logger

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

    public func makeAsyncIterator() -> Iterator { Iterator(polling: self) }

    /// Asks for the next batch when the last one is used up.
    public struct Iterator: AsyncIteratorProtocol {
        let polling: UpdatePolling
        private var batch: ArraySlice<TelegramUpdate> = []
        private var offset: Int64?
        private var failures = 0

        init(polling: UpdatePolling) { self.polling = polling }

        /// The next update.
        /// - Throws: ``TelegramError`` `unauthorized` or `unknownMethod`, which no waiting mends, and `CancellationError`.
        public mutating func next() async throws -> TelegramUpdate? {
            while batch.isEmpty {
                do {
                    batch = try await polling.source(offset)[...]
                    if failures > 0 { polling.logger.info("updates come again") }
                    failures = 0
                } catch let error as TelegramError where ![.unauthorized, .unknownMethod].contains(error.code) {
                    try await waitOut(error)
                }
            }
            guard let update = batch.popFirst() else { return nil }
            offset = Swift.max(offset ?? 0, update.id + 1)
            return update
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
