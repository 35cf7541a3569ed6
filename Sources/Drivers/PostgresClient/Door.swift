import CLinux
import Glibc
import Synchronization

/// Where tasks leave commands for the I/O thread, and the bell that wakes it.
final class Door: Sendable {
    private struct State {
        var commands: [Command] = []
        var hasRung = false
        var isStopped = false
        var isDraining = false
        var outstanding = 0
    }

    private let state = Mutex(State())
    private let maximumOutstanding: Int
    /// An eventfd, readable while commands wait.
    let bell: Int32

    init(maximumOutstanding: Int) throws(PostgresError) {
        self.maximumOutstanding = maximumOutstanding
        bell = eventfd(0, Int32(EFD_CLOEXEC | EFD_NONBLOCK))
        guard bell >= 0 else { throw PostgresError(.configuration, "eventfd failed with errno \(errno)") }
    }

    deinit { close(bell) }

    /// Leaves a command; false when the thread has ended, and nobody will take it.
    @discardableResult
    func leave(_ command: Command) -> Bool {
        let (isTaken, mustRing) = state.withLock { state in
            guard !state.isStopped else { return (false, false) }
            state.commands.append(command)
            defer { state.hasRung = true }
            return (true, !state.hasRung)
        }
        if mustRing { eventfd_write(bell, 1) }
        return isTaken
    }

    /// Counts one more waiting query or lease.
    ///
    /// - Throws: `tooManyWaiting` at the bound; `closed` after shutdown began, except for what belongs to a lease.
    func enter(isLeased: Bool) throws(PostgresError) {
        let refusal: PostgresError? = state.withLock { state in
            if state.isStopped || (state.isDraining && !isLeased) { return .shutDown }
            guard state.outstanding < maximumOutstanding else {
                return PostgresError(.tooManyWaiting, "\(state.outstanding) queries wait already, which is the bound")
            }
            state.outstanding += 1
            return nil
        }
        if let refusal { throw refusal }
    }

    /// Counts one less.
    func exit() { state.withLock { $0.outstanding -= 1 } }

    /// Refuses new work from now on.
    func drain() { state.withLock { $0.isDraining = true } }

    /// Takes what was left, and silences the bell.
    func take() -> [Command] {
        var count: eventfd_t = 0
        eventfd_read(bell, &count)
        return state.withLock { state in
            state.hasRung = false
            defer { state.commands.removeAll(keepingCapacity: true) }
            return state.commands
        }
    }

    /// Takes the last commands; nothing can be left any more.
    func stop() -> [Command] {
        state.withLock { state in
            state.isStopped = true
            defer { state.commands = [] }
            return state.commands
        }
    }
}

extension PostgresError {
    static var shutDown: PostgresError { PostgresError(.closed, "the Postgres client was shut down") }
}
