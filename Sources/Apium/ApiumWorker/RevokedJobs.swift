import ApiumCore
import Synchronization

/// The ids that must not run, as the broker has told them so far.
final class RevokedJobs: Sendable {
    private struct State {
        var control = ControlState()
        /// Whether it was read at all.
        var isRead = false
    }

    private let state = Mutex(State())
    /// Whether nothing is revoked: then no job waits for the lock to be told so.
    private let isEmpty = Atomic(true)

    /// The epoch of what is known.
    var epoch: Int64 { state.withLock(\.control.epoch) }

    /// What is known.
    var control: ControlState { state.withLock(\.control) }

    /// What is limited and paused.
    var holds: HoldState { state.withLock(\.control.holds) }

    /// Since when there may be news, and how many ids are known; nothing at first.
    var known: (epoch: Int64?, ids: Int) { state.withLock { ($0.isRead ? $0.control.epoch : nil, $0.control.revoked.count) } }

    /// Whether the job must not begin.
    func forbids(_ message: Message) -> Bool { !isEmpty.load(ordering: .acquiring) && state.withLock { $0.control.forbids(message) } }

    /// Whether the job is to be stopped when it runs.
    func stops(_ message: Message) -> Bool { state.withLock { $0.control.stops(message) } }

    /// Takes up what was read: all there is, or the news.
    func update(_ news: ControlState) {
        state.withLock { state in
            state.control.update(with: news)
            state.isRead = true
            isEmpty.store(state.control.revoked.isEmpty && state.control.revokedStamps.isEmpty, ordering: .releasing)
        }
    }
}
