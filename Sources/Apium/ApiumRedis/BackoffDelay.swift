import NIOCore
import RedisClient

/// The waits of loops that try again: 50 ms, doubling to 1 s, each shortened by up to a half at random. A server that is back is found
/// within a second; a thousand workers ask one that is away a few thousand times a second at most.
enum BackoffDelay {
    static let longest = Duration.seconds(1)

    static func after(_ failures: Int) -> Duration {
        let whole = min(longest, .milliseconds(50) * (1 << min(max(failures, 1) - 1, 10)))
        return whole * Double.random(in: 0.5...1)
    }

    /// The same for connections that are made again.
    static let reconnecting = ReconnectBackoff(longest: longest)
}

extension EventLoop {
    /// Waits on the event loop's timer; unlike `Task.sleep`, also when the task is cancelled.
    func pause(_ duration: Duration) async {
        try? await scheduleTask(in: TimeAmount(duration)) {}.futureResult.get()
    }
}
