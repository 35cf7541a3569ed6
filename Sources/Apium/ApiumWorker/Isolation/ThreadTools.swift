import CLinux
import Glibc

/// Starts threads of their own for what waits in the kernel.
enum OwnThread {
    private final class Work {
        let name: String
        let body: @Sendable () -> Void

        init(_ name: String, _ body: @escaping @Sendable () -> Void) {
            self.name = name
            self.body = body
        }
    }

    /// Runs the body on a new, detached thread; false when the system has none to give.
    static func run(_ name: String, _ body: @escaping @Sendable () -> Void) -> Bool {
        let work = Unmanaged.passRetained(Work(String(name.prefix(15)), body))
        var thread = pthread_t()
        let failed = pthread_create(
            &thread, nil,
            { pointer in
                guard let pointer else { return nil }
                let work = Unmanaged<Work>.fromOpaque(pointer).takeRetainedValue()
                clinux_name_thread(work.name)
                work.body()
                return nil
            }, work.toOpaque())
        guard failed == 0 else {
            work.release()
            return false
        }
        pthread_detach(thread)
        return true
    }
}

/// Wakes a thread that waits in ``Readiness``.
final class Doorbell: Sendable {
    let descriptor: Int32

    /// - Returns: `nil` when the process may open no more descriptors.
    init?() {
        descriptor = eventfd(0, Int32(EFD_CLOEXEC) | Int32(EFD_NONBLOCK))
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    func ring() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    func silence() {
        var count: UInt64 = 0
        _ = read(descriptor, &count, 8)
    }
}

/// A set of descriptors that one thread waits for, each under a token.
final class Readiness {
    private let descriptor: Int32

    /// - Returns: `nil` when the process may open no more descriptors.
    init?() {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        if descriptor < 0 { return nil }
    }

    deinit { close(descriptor) }

    /// Watches a descriptor, whether it was watched before or not.
    func watch(_ target: Int32, token: UInt64, writing: Bool = false) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | (writing ? EPOLLOUT.rawValue : 0)
        event.data.u64 = token
        if epoll_ctl(descriptor, EPOLL_CTL_MOD, target, &event) != 0 { epoll_ctl(descriptor, EPOLL_CTL_ADD, target, &event) }
    }

    func forget(_ target: Int32) {
        var event = epoll_event()
        epoll_ctl(descriptor, EPOLL_CTL_DEL, target, &event)
    }

    /// Waits at most so long (`nil`: without end) and answers the tokens of what is ready.
    func wait(atMost limit: Duration?) -> [UInt64] {
        let milliseconds = limit.map { Int32(clamping: max($0, .zero).wholeMicroseconds / 1000 + 1) } ?? -1
        return withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
            let count = epoll_wait(descriptor, events.baseAddress, 64, milliseconds)
            return count > 0 ? events[0..<Int(count)].map { $0.data.u64 } : []
        }
    }
}
