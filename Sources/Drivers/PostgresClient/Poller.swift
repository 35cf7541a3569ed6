import CLinux
import Glibc

/// An epoll set; used by one thread only.
struct Poller: ~Copyable {
    private let descriptor: Int32

    init() throws(PostgresError) {
        descriptor = epoll_create1(Int32(EPOLL_CLOEXEC))
        guard descriptor >= 0 else { throw PostgresError(.configuration, "epoll_create1 failed with errno \(errno)") }
    }

    deinit { close(descriptor) }

    /// Watches the descriptor, whether it was watched before or not: libpq may close a socket and open another of the same number.
    func watch(_ target: Int32, token: UInt64, writing: Bool) {
        var event = epoll_event()
        event.events = EPOLLIN.rawValue | (writing ? EPOLLOUT.rawValue : 0)
        event.data.u64 = token
        if epoll_ctl(descriptor, EPOLL_CTL_MOD, target, &event) != 0 { epoll_ctl(descriptor, EPOLL_CTL_ADD, target, &event) }
    }

    func forget(_ target: Int32) {
        var event = epoll_event()
        epoll_ctl(descriptor, EPOLL_CTL_DEL, target, &event)
    }

    /// Waits at most so many milliseconds (-1: without end) and returns the tokens of what is ready.
    func wait(milliseconds: Int32) -> [UInt64] {
        withUnsafeTemporaryAllocation(of: epoll_event.self, capacity: 64) { events in
            let count = epoll_wait(descriptor, events.baseAddress, 64, milliseconds)
            return count > 0 ? events[0..<Int(count)].map { $0.data.u64 } : []
        }
    }
}

/// Nanoseconds of the monotonic clock.
func monotonicNanoseconds() -> Int64 {
    var time = timespec()
    clock_gettime(CLOCK_MONOTONIC, &time)
    return Int64(time.tv_sec) * 1_000_000_000 + Int64(time.tv_nsec)
}
