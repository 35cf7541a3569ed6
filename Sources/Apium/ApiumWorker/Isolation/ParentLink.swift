import ApiumCore
import CLinux
import DynamicJSON
import Glibc
import Synchronization

/// A child's end of the channel to its worker: a thread that reads and writes frames, whatever the jobs do to the process' other threads.
///
/// The end of the channel is the end of the process: a child whose worker is gone must not go on, not even when every thread of the
/// pool is stuck in a job.
final class ParentLink: Sendable {
    private struct State {
        var outgoing: [ChildFrame] = []
        var isStopped = false
    }

    /// What the worker says; ends when the worker tells the child to end.
    let frames: AsyncStream<ParentFrame>
    private let news: AsyncStream<ParentFrame>.Continuation
    private let state = Mutex(State())
    private let doorbell: Doorbell

    /// - Returns: `nil` when the process is no child, or may open no more descriptors.
    init?() {
        guard let descriptor = ChildMode.takeChannel(), let doorbell = Doorbell() else { return nil }
        (frames, news) = AsyncStream.makeStream(of: ParentFrame.self)
        self.doorbell = doorbell
        clinux_die_with_parent()
        let started = OwnThread.run("apium-parent") { self.serve(descriptor) }
        if !started { return nil }
    }

    /// Sends a frame. What is resident is measured when a `done` frame goes.
    func send(_ frame: ChildFrame) {
        state.withLock { $0.outgoing.append(frame) }
        doorbell.ring()
    }

    private func serve(_ descriptor: Int32) {
        let channel = FrameChannel(descriptor)
        guard let readiness = Readiness() else { _exit(ChildExit.noResources) }
        readiness.watch(doorbell.descriptor, token: 0)
        while true {
            write(to: channel)
            readiness.watch(descriptor, token: 1, writing: channel.isClogged)
            let tokens = readiness.wait(atMost: nil)
            if tokens.contains(0) { doorbell.silence() }
            if tokens.contains(1) {
                let isOpen = channel.read()
                hear(channel)
                if !isOpen { _exit(ChildExit.parentIsGone) }
            }
        }
    }

    private func write(to channel: FrameChannel) {
        let frames = state.withLock { state in
            defer { state.outgoing = [] }
            return state.outgoing
        }
        for frame in frames {
            do {
                try channel.send(frame.measured.encoded)
            } catch {
                refuse(frame, channel)
            }
        }
        channel.flush()
    }

    /// Says that a frame is too long to be sent: only what a job returns, throws or asks can be. A question is answered here.
    private func refuse(_ frame: ChildFrame, _ channel: FrameChannel) {
        switch frame {
        case .done(let number, _, let resident):
            let thrown = Self.tooLong("what the job returned or threw")
            // A frame that short goes.
            try? channel.send(ChildFrame.done(number, outcome: ["thrown": thrown], residentKiB: resident).encoded)
        case .ask(let number, let question, _):
            news.yield(.answer(number, question: question, .thrown(Self.tooLong("what the job asks of its worker"))))
        case .ready, .begun: break
        }
    }

    private static func tooLong(_ what: String) -> JSONValue {
        ThrownError(ApiumError(.badResult, "\(what) is longer than a frame can be, 64 MiB"), policy: .never, retries: 0).json
    }

    private func hear(_ channel: FrameChannel) {
        do {
            while let payload = try channel.next() {
                let frame = try ParentFrame(payload: payload)
                // Before the job can do anything: its death must not be taken for an idle child's.
                if case .run(let order) = frame { try channel.send(ChildFrame.begun(order.number).encoded) }
                if frame == .stop { news.finish() } else { news.yield(frame) }
            }
        } catch {
            _exit(ChildExit.garbage)
        }
    }
}

/// The exit codes of a child that cannot go on; those of sysexits.h.
enum ChildExit {
    static let garbage: Int32 = 65
    static let noResources: Int32 = 71
    static let parentIsGone: Int32 = 75
}

extension ChildFrame {
    /// The frame with the memory that the process holds now.
    fileprivate var measured: ChildFrame {
        guard case .done(let number, let outcome, _) = self else { return self }
        return .done(number, outcome: outcome, residentKiB: ResidentMemory.kibibytes)
    }
}

/// The memory of this process.
enum ResidentMemory {
    /// The resident set, in KiB; 0 when the system does not tell. Reads a file of the kernel's: not for the cooperative pool.
    static var kibibytes: Int {
        guard let file = fopen("/proc/self/statm", "re") else { return 0 }
        defer { fclose(file) }
        var text = [CChar](repeating: 0, count: 128)
        guard fgets(&text, Int32(text.count), file) != nil else { return 0 }
        let line = String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
        let fields = line.split(separator: " ")
        guard fields.count > 1, let pages = Int(fields[1]) else { return 0 }
        return pages * Int(sysconf(Int32(_SC_PAGESIZE))) / 1024
    }
}
