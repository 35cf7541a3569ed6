/// When the next message may go: about one a second per chat with short bursts, 20 a minute in a group, 30 a second over all chats.
///
/// A value that is told the time and answers with times: each call of ``reserve(chat:now:)`` takes the next free moment, so that callers who wait
/// until it are in order. Telegram publishes these numbers as a guide; a 429 is the authority, and ``holdBack(chat:until:)`` obeys it.
public struct SendLimits: Sendable {
    /// One limit: so many at once, then one per interval.
    public struct Rate: Sendable, Hashable {
        /// The time between two messages in the long run.
        public var interval: Duration
        /// How many may go at once after a rest.
        public var burst: Int

        /// Makes a rate.
        public init(interval: Duration, burst: Int) {
            self.interval = interval
            self.burst = max(burst, 1)
        }
    }

    /// Of a private chat. Default: 1 a second, 5 at once.
    public var chat: Rate
    /// Of a group. Default: 1 every 3 seconds, 3 at once.
    public var group: Rate
    /// Of all chats together. Default: 30 a second, 10 at once.
    public var overall: Rate

    /// Per key the moment at which it would be at rest again: the GCRA's theoretical arrival time.
    private var chats: [Int64: Duration] = [:]
    private var all: Duration = .zero
    private var chatsHeld: [Int64: Duration] = [:]
    private var allHeld: Duration = .zero
    private var lastSweep = 0

    /// Makes limits; the defaults are given at the properties.
    public init(
        chat: Rate = Rate(interval: .seconds(1), burst: 5), group: Rate = Rate(interval: .seconds(3), burst: 3),
        overall: Rate = Rate(interval: .milliseconds(34), burst: 10)
    ) {
        self.chat = chat
        self.group = group
        self.overall = overall
    }

    /// Takes the next free moment for a message to the chat.
    /// - Parameter now: since any fixed start, never going back.
    /// - Returns: the moment, at `now` or later.
    public mutating func reserve(chat id: Int64, now: Duration) -> Duration {
        sweep(now: now)
        let rate = id < 0 ? group : chat
        let free = max(
            now, Self.free(at: chats[id] ?? .zero, rate), Self.free(at: all, overall), chatsHeld[id] ?? .zero, allHeld)
        chats[id] = max(chats[id] ?? .zero, free) + rate.interval
        all = max(all, free) + overall.interval
        return free
    }

    /// Nothing to the chat, or with `nil` to any, before that moment.
    public mutating func holdBack(chat id: Int64?, until moment: Duration) {
        if let id {
            chatsHeld[id] = max(chatsHeld[id] ?? .zero, moment)
        } else {
            allHeld = max(allHeld, moment)
        }
    }

    /// How many chats are remembered: those that are not at rest.
    public var remembered: Int { chats.count }

    private static func free(at rest: Duration, _ rate: Rate) -> Duration { rest - rate.interval * (rate.burst - 1) }

    /// Forgets chats at rest now and then, so that memory does not grow with every chat ever written to.
    private mutating func sweep(now: Duration) {
        lastSweep += 1
        guard lastSweep >= 1_000 else { return }
        lastSweep = 0
        chats = chats.filter { $0.value > now }
        chatsHeld = chatsHeld.filter { $0.value > now }
    }
}
