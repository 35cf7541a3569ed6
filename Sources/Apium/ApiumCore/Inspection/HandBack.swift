/// What became of the jobs of a worker process whose lease was taken away by hand.
public struct HandBack: Sendable, Hashable {
    /// How many jobs went back to the front of their queues.
    public var returned: Int
    /// How many had been acknowledged before their run: they ended as `WorkerLostError`, and are among the dead.
    public var ended: Int

    /// Makes a value.
    public init(returned: Int, ended: Int) {
        self.returned = returned
        self.ended = ended
    }
}

/// A broker that takes jobs back from a worker process when somebody says so: one that is stopped, or does not answer any more.
public protocol HandingBackBroker: InspectableBroker {
    /// Takes the lease of a worker process away, alive or not, and gives what it holds back to the front of its queues, in order, marked as
    /// redelivered. No crash is counted.
    ///
    /// From then on the process is refused everywhere: what it still runs ends without effect, and it is told to cancel that as soon as it
    /// hears of it. What it holds is listed before by ``InspectableBroker/flights(limit:)``. Should the caller die on the way, the session
    /// with the shared duties goes on.
    ///
    /// - Parameter incarnation: the id of the process start, ``RegisteredWorker/incarnation``.
    /// - Returns: what went back; `nil` when no such process is registered or holds anything.
    func handBack(from incarnation: String) async throws -> HandBack?
}
