import NIOCore

/// The waits of loops that try again: 50 ms, doubling to 5 s, each shortened by up to a half at random.
enum BackoffDelay {
    static func after(_ failures: Int) -> Duration {
        let whole = min(Duration.seconds(5), .milliseconds(50) * (1 << min(max(failures, 1) - 1, 10)))
        return whole * Double.random(in: 0.5...1)
    }
}

extension EventLoop {
    /// Waits on the event loop's timer; unlike `Task.sleep`, also when the task is cancelled.
    func pause(_ duration: Duration) async {
        try? await scheduleTask(in: TimeAmount(duration)) {}.futureResult.get()
    }
}
