import CLinux
import Glibc
import Synchronization

/// The thread that starts children, talks to them and sees them end. It alone touches the ``ChildPoolState``.
///
/// A thread of its own, and not an event loop of somebody else's: children die with the thread that started them, so it has to live
/// as long as they may; and waiting for processes needs nothing but epoll.
final class ChildSupervisor: Sendable {
    /// What the pool asks for.
    enum Command: Sendable {
        case resize(Int)
        case want(UInt64)
        case begin(ChildRun)
        case release(UInt64)
        case stop(UInt64, StopOrder)
        case answer(UInt64, question: UInt64, ChildAnswer)
        case shut
    }

    /// How a run is stopped: told, signalled, killed after a while.
    struct StopOrder: Sendable, Hashable {
        var frame: CancelReason?
        var signal: Int32?
        var killAfter: Duration?
    }

    /// What the thread tells; called on it.
    struct Listener: Sendable {
        var placed: @Sendable (_ run: UInt64, _ pid: Int32) -> Void
        var asked: @Sendable (_ run: UInt64, _ question: UInt64, ChildQuestion) -> Void
        var finished: @Sendable (_ run: UInt64, ChildPoolState.RunEnd) -> Void
        var note: @Sendable (ChildPoolState.Note, _ pid: Int32?) -> Void
        var ended: @Sendable () -> Void
    }

    private struct Inbox {
        var commands: [Command] = []
        var hasThread = false
        var isOver = false
        var census: [ChildSnapshot] = []
    }

    private let inbox = Mutex(Inbox())
    private let doorbell: Doorbell
    private let limits: ChildPoolState.Limits
    private let listener: Listener

    /// - Returns: `nil` when the process may open no more descriptors.
    init?(limits: ChildPoolState.Limits, listener: Listener) {
        guard let doorbell = Doorbell() else { return nil }
        self.doorbell = doorbell
        self.limits = limits
        self.listener = listener
    }

    /// The children that live now.
    var census: [ChildSnapshot] { inbox.withLock(\.census) }

    /// Hands a command to the thread, which is started by the first; false when there is none to take it.
    func submit(_ command: Command) -> Bool {
        let start = inbox.withLock { inbox -> Bool? in
            if inbox.isOver { return nil }
            inbox.commands.append(command)
            defer { inbox.hasThread = true }
            return !inbox.hasThread
        }
        guard let start else { return false }
        if !start {
            doorbell.ring()
            return true
        }
        let started = OwnThread.run("apium-children") {
            SupervisorLoop(self.limits, self.doorbell, self.listener)?.run(
                commands: { self.takeCommands() }, publish: { census in self.inbox.withLock { $0.census = census } })
            self.end()
        }
        if !started { inbox.withLock { $0 = Inbox(isOver: true) } }
        return started
    }

    private func takeCommands() -> [Command] {
        inbox.withLock { inbox in
            defer { inbox.commands = [] }
            return inbox.commands
        }
    }

    /// The thread is over: whatever came too late has no child.
    private func end() {
        let late = inbox.withLock { inbox in
            defer { inbox = Inbox(isOver: true) }
            return inbox.commands
        }
        for command in late {
            switch command {
            case .want(let run): listener.finished(run, .withdrawn)
            case .begin(let order): listener.finished(order.number, .withdrawn)
            case .resize, .release, .stop, .answer, .shut: break
            }
        }
        listener.ended()
    }
}

/// A child process that lives now, as control commands show it.
public struct ChildSnapshot: Sendable, Hashable {
    /// Its process id.
    public var pid: Int32
    /// The number of the run it has; `nil` while it is idle, starting or ending.
    var run: UInt64?
    /// The id of the job that runs there; `nil` while it runs none.
    public var job: String?
}

/// What the thread works with; confined to it.
private final class SupervisorLoop {
    private final class Peer {
        let pid: pid_t
        let channel: FrameChannel
        /// Readable once the process has ended; -1 where the kernel has no such thing.
        let process: Int32
        var hasHungUp = false

        init(pid: pid_t, channel: FrameChannel, process: Int32) {
            self.pid = pid
            self.channel = channel
            self.process = process
        }

        deinit { if process >= 0 { close(process) } }
    }

    private var state: ChildPoolState
    private var peers: [Int: Peer] = [:]
    private let readiness: Readiness
    private let doorbell: Doorbell
    private let listener: ChildSupervisor.Listener
    private var isShut = false

    init?(_ limits: ChildPoolState.Limits, _ doorbell: Doorbell, _ listener: ChildSupervisor.Listener) {
        guard let readiness = Readiness() else { return nil }
        self.readiness = readiness
        self.doorbell = doorbell
        self.listener = listener
        state = ChildPoolState(limits: limits)
        readiness.watch(doorbell.descriptor, token: 0)
    }

    func run(commands: () -> [ChildSupervisor.Command], publish: ([ChildSnapshot]) -> Void) {
        while true {
            for command in commands() { carryOut(command) }
            publish(census)
            if isShut, state.isEmpty { return }
            let tokens = readiness.wait(atMost: patience)
            for token in tokens where token > 0 { attend(to: Int(token >> 1), hasEnded: token & 1 == 1) }
            if tokens.contains(0) { doorbell.silence() }
            reapWithoutDescriptor()
            perform(state.due(now: .now))
        }
    }

    private var census: [ChildSnapshot] {
        let occupancy = state.occupancy
        return peers.sorted { $0.key < $1.key }.map { ChildSnapshot(pid: $0.value.pid, run: occupancy[$0.key] ?? nil) }
    }

    private var patience: Duration? {
        let deadline = state.nextDeadline.map { ContinuousClock.now.duration(to: $0) }
        guard peers.values.contains(where: { $0.process < 0 }) else { return deadline }
        return min(deadline ?? .milliseconds(50), .milliseconds(50))
    }

    private func carryOut(_ command: ChildSupervisor.Command) {
        switch command {
        case .resize(let count): perform(state.resize(to: count, now: .now))
        case .want(let run): perform(state.want(run, now: .now))
        case .begin(let order): perform(state.begin(order, now: .now))
        case .release(let run): perform(state.release(run, now: .now))
        case .stop(let run, let order):
            perform(state.stop(run, frame: order.frame, signal: order.signal, killAfter: order.killAfter, now: .now))
        case .answer(let run, let question, let answer): perform(state.answer(run, question: question, answer))
        case .shut:
            isShut = true
            perform(state.shut(now: .now))
        }
    }

    // MARK: What children do

    /// Something has come from a child, or it has ended: what it said before it ended counts first.
    private func attend(to child: Int, hasEnded: Bool) {
        guard let peer = peers[child] else { return }
        repeat { listen(to: child, peer) } while hasEnded && !peer.hasHungUp && peer.channel.isReadable
        peer.channel.flush()
        if hasEnded {
            reap(child, peer)
        } else if !peer.hasHungUp {
            readiness.watch(peer.channel.descriptor, token: UInt64(child) << 1, writing: peer.channel.isClogged)
        }
    }

    private func listen(to child: Int, _ peer: Peer) {
        guard !peer.hasHungUp else { return }
        let isOpen = peer.channel.read()
        do {
            while let payload = try peer.channel.next() { try hear(ChildFrame(payload: payload), from: child) }
        } catch {
            perform(state.garbage(child, "\(error)"))
            hangUp(child, peer)
        }
        if !isOpen {
            hangUp(child, peer)
            state.hungUp(child, now: .now)
        }
    }

    private func hangUp(_ child: Int, _ peer: Peer) {
        guard !peer.hasHungUp else { return }
        peer.hasHungUp = true
        readiness.forget(peer.channel.descriptor)
    }

    private func hear(_ frame: ChildFrame, from child: Int) {
        switch frame {
        case .ready: perform(state.ready(child, now: .now))
        case .begun(let run): perform(state.begun(child, run))
        case .ask(let run, let question, let content): perform(state.asked(child, run, question: question, content))
        case .done(let run, let outcome, let resident):
            perform(state.answered(child, run, outcome, residentKiB: resident, now: .now))
        }
    }

    private func reapWithoutDescriptor() {
        for (child, peer) in peers where peer.process < 0 {
            var information = siginfo_t()
            let found = waitid(P_PID, id_t(peer.pid), &information, WEXITED | WNOHANG | WNOWAIT)
            if found != 0 || information.si_signo == SIGCHLD { attend(to: child, hasEnded: true) }
        }
    }

    private func reap(_ child: Int, _ peer: Peer) {
        // What the child started and left behind in its group ends with it: its number is not used again before the wait below.
        kill(-peer.pid, SIGKILL)
        var status: Int32 = 0
        var end = ChildEnd.unknown
        if waitpid(peer.pid, &status, 0) == peer.pid {
            let signal = clinux_end_signal(status)
            end = signal > 0 ? .signalled(signal) : .exited(clinux_exit_code(status))
        }
        hangUp(child, peer)
        if peer.process >= 0 { readiness.forget(peer.process) }
        let actions = state.ended(child, end, now: .now)
        perform(actions)
        peers[child] = nil
    }

    // MARK: What is done

    private func perform(_ actions: [ChildPoolState.Action]) {
        for action in actions {
            switch action {
            case .spawn(let child): perform(spawn(child))
            case .send(let child, let frame): send(frame, to: child)
            case .signal(let child, let signal): if let peer = peers[child] { kill(-peer.pid, signal) }
            case .placed(let run, let child): listener.placed(run, peers[child]?.pid ?? 0)
            case .asked(let run, let question, let content): listener.asked(run, question, content)
            case .finished(let run, let end): listener.finished(run, end)
            case .note(let note): listener.note(note, note.child.flatMap { peers[$0]?.pid })
            }
        }
    }

    private func spawn(_ child: Int) -> [ChildPoolState.Action] {
        do {
            let launched = try ChildLaunch.start()
            let peer = Peer(pid: launched.pid, channel: FrameChannel(launched.channel), process: clinux_open_process(launched.pid))
            peers[child] = peer
            readiness.watch(peer.channel.descriptor, token: UInt64(child) << 1)
            if peer.process >= 0 { readiness.watch(peer.process, token: UInt64(child) << 1 | 1) }
            return []
        } catch {
            return state.ended(child, .unknown, because: "\(error)", now: .now)
        }
    }

    private func send(_ frame: ParentFrame, to child: Int) {
        guard let peer = peers[child], !peer.hasHungUp else { return }
        do {
            try peer.channel.send(frame.encoded)
            if peer.channel.isClogged { readiness.watch(peer.channel.descriptor, token: UInt64(child) << 1, writing: true) }
        } catch {
            // Never given to a child: the pool refuses messages that do not fit a frame.
            perform(state.garbage(child, "a message does not fit a frame: \(error)"))
        }
    }
}

extension ChildPoolState.Note {
    fileprivate var child: Int? {
        switch self {
        case .failedToStart: nil
        case .garbage(let child, _), .recycled(let child, _, _), .died(let child, _, _): child
        }
    }
}
