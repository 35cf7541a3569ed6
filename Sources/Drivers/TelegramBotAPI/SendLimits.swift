/// When the next message may go: about one a second per chat with short bursts, 20 a minute in a group, 30 a second over all chats.
///
/// A value that is told the time and answers with times: each call takes the next free moment, so that callers who wait until it are in order. A
/// message takes two turns, first its chat's (``reserve(chat:now:patience:)``) and, once that has come, the common one (``reserve(now:)``): what waits
/// for its chat is nobody else's wait. Telegram publishes these numbers as a guide; a 429 is the authority, and ``holdBack(chat:until:)`` obeys it.
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
    /// Per chat the moment that the next caller is told who is sent away.
    private var promised: [Int64: Duration] = [:]
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

    /// A chat's answer to who wants to send.
    public enum Turn: Sendable, Hashable {
        /// The moment is taken for the caller.
        case at(Duration)
        /// The chat's next moment is farther away than the caller waits; nothing is taken. At this moment one is likely to be free: each
        /// caller that is sent away is told another.
        case comeBack(Duration)
    }

    /// Takes the chat's next free moment, without regard to other chats.
    /// - Parameters:
    ///   - now: since any fixed start, never going back.
    ///   - patience: how long the caller waits; `nil`: as long as it takes.
    /// - Returns: a moment at `now` or later.
    public mutating func reserve(chat id: Int64, now: Duration, patience: Duration? = nil) -> Turn {
        sweep(now: now)
        let rate = id < 0 ? group : chat
        let free = max(now, Self.free(at: chats[id] ?? .zero, rate), chatsHeld[id] ?? .zero)
        if let patience, free - now > patience {
            let moment = max(free, promised[id] ?? .zero)
            promised[id] = moment + rate.interval
            return .comeBack(moment)
        }
        chats[id] = max(chats[id] ?? .zero, free) + rate.interval
        return .at(free)
    }

    /// Takes the next free moment of all chats together, for a message whose chat's turn has come.
    /// - Parameter now: as in ``reserve(chat:now:patience:)``.
    /// - Returns: the moment, at `now` or later.
    public mutating func reserve(now: Duration) -> Duration {
        let free = max(now, Self.free(at: all, overall), allHeld)
        all = max(all, free) + overall.interval
        return free
    }

    /// Until when the chat is held back; a moment that has passed, or zero, when it is not.
    func heldUntil(chat id: Int64) -> Duration { chatsHeld[id] ?? .zero }

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
        promised = promised.filter { $0.value > now }
    }
}
