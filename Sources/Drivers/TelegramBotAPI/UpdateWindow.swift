import Synchronization

/// Which updates were handed out and have not ended, and so up to where Telegram may forget. A value.
///
/// Telegram forgets what lies below the offset of a request, and gives all from there on again. So the offset stays at the oldest update that has not
/// ended, and what comes once more meanwhile is known here.
struct UpdateWindow {
    private var entries: [(id: Int64, hasEnded: Bool)] = []
    private var next: Int64?

    /// The offset to ask for; `nil` before the first update.
    var offset: Int64? { entries.first?.id ?? next }

    /// How many updates are kept in mind: those from the oldest that has not ended on.
    var count: Int { entries.count }

    /// The updates of an answer that were not handed out before.
    mutating func admit(_ batch: [TelegramUpdate]) -> [TelegramUpdate] {
        batch.filter { update in
            guard !entries.contains(where: { $0.id == update.id }) else { return false }
            entries.append((update.id, false))
            return true
        }
    }

    /// The oldest update that has not ended.
    var oldest: Int64? { entries.first?.id }

    /// Notes that an update is done with; answers whether the offset has moved.
    mutating func end(_ id: Int64) -> Bool {
        guard let index = entries.firstIndex(where: { $0.id == id }) else { return false }
        entries[index].hasEnded = true
        let gone = entries.prefix { $0.hasEnded }
        guard let last = gone.last else { return false }
        next = last.id + 1
        entries.removeFirst(gone.count)
        return true
    }
}

/// The window that a polling and those who handle its updates share.
final class UpdateLedger: Sendable {
    private struct State {
        var window = UpdateWindow()
        /// How often the offset has moved.
        var moves = 0
        var waiter: AsyncStream<Void>.Continuation?
    }

    private let state = Mutex(State())

    var offset: Int64? { state.withLock { $0.window.offset } }
    var count: Int { state.withLock { $0.window.count } }
    var moves: Int { state.withLock { $0.moves } }

    func admit(_ batch: [TelegramUpdate]) -> [TelegramUpdate] { state.withLock { $0.window.admit(batch) } }

    func end(_ id: Int64) {
        let waiter = state.withLock { state -> AsyncStream<Void>.Continuation? in
            guard state.window.end(id) else { return nil }
            state.moves += 1
            defer { state.waiter = nil }
            return state.waiter
        }
        waiter?.finish()
    }

    /// Takes the oldest update for ended, though it is under way still: it does not come again.
    func passOver() -> Int64? {
        guard let oldest = state.withLock({ $0.window.oldest }) else { return nil }
        end(oldest)
        return oldest
    }

    /// Returns once the offset has moved further than `moves`, or the task is cancelled. For one waiter at a time.
    func waitForMove(after moves: Int) async {
        let (stream, continuation) = AsyncStream.makeStream(of: Void.self)
        let isOver = state.withLock { state in
            if state.moves == moves { state.waiter = continuation }
            return state.moves != moves
        }
        if isOver { return }
        for await _ in stream {}
    }
}
