/// How many updates are being handled, in all and per chat, so that one chat cannot take the bot from the others. A value.
struct UpdateLanes {
    enum Admission: Equatable {
        case run
        /// The chat has enough under way; the first time it is told so.
        case refuse(isFirst: Bool)
        /// The bot has enough under way: wait for one to end.
        case wait
    }

    let perChat: Int
    let overall: Int
    private var running: [Int64: Int] = [:]
    private var told: Set<Int64> = []
    private(set) var total = 0

    init(perChat: Int = 8, overall: Int = 256) {
        self.perChat = perChat
        self.overall = overall
    }

    /// - Parameter isVital: It tells where the chat is or whether it may be written to, and nobody would send it again: it is never refused.
    mutating func admit(_ chat: Int64, isVital: Bool = false) -> Admission {
        if total >= overall { return .wait }
        if !isVital, running[chat, default: 0] >= perChat { return .refuse(isFirst: told.insert(chat).inserted) }
        running[chat, default: 0] += 1
        total += 1
        return .run
    }

    mutating func ended(_ chat: Int64) {
        total -= 1
        running[chat, default: 1] -= 1
        if running[chat] == 0 { running[chat] = nil }
        told.remove(chat)
    }
}

/// Hands out the lanes; whoever finds none waits for the next one that becomes free.
actor LaneKeeper {
    private var lanes: UpdateLanes
    private var waiters: [CheckedContinuation<Void, Never>] = []

    init(_ lanes: UpdateLanes = UpdateLanes()) { self.lanes = lanes }

    /// `run` or `refuse`; never `wait`.
    func admit(_ chat: Int64, isVital: Bool) async -> UpdateLanes.Admission {
        while true {
            let admission = lanes.admit(chat, isVital: isVital)
            guard admission == .wait else { return admission }
            // What runs ends by its own time limits, so a lane becomes free.
            await withCheckedContinuation { waiters.append($0) }
        }
    }

    func ended(_ chat: Int64) {
        lanes.ended(chat)
        if !waiters.isEmpty { waiters.removeFirst().resume() }
    }
}
