import Synchronization

/// A logical clock that orders what happens on many machines (celery-wire 14, kombu's `LamportClock`): whatever a worker
/// sends carries a greater number than everything it has received before.
public final class LamportClock: Sendable {
    private let time: Mutex<Int64>

    /// Makes a clock. Default: at 0.
    public init(_ value: Int64 = 0) { time = Mutex(value) }

    /// The last number given or seen.
    public var value: Int64 { time.withLock { $0 } }

    /// One step on, for something that is sent; answers the new number.
    @discardableResult
    public func forward() -> Int64 {
        time.withLock { time in
            time = time == .max ? time : time + 1
            return time
        }
    }

    /// Something with this number was received: the clock is past both afterwards. A number beyond 2⁶² is no clock's and is not
    /// taken over, so that one bad message cannot end the clocks of all.
    @discardableResult
    public func adjust(_ other: Int64) -> Int64 {
        time.withLock { time in
            time = max(time, other < 1 << 62 ? other : time)
            time = time == .max ? time : time + 1
            return time
        }
    }
}
