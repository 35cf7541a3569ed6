import DynamicJSON

/// Turns signatures into messages: gives ids, splits chains into first step and rest, opens chords (celery-wire 8).
///
/// A value without I/O; the clock is read by the caller.
public struct Dispatcher: Sendable {
    /// Decides where calls go.
    public var router: Router
    /// What stands in the header `origin`.
    public var origin: String
    /// The broker's time, for `countdown` and `expires` in seconds.
    public var now: Timestamp
    /// Makes ids.
    public var makeID: @Sendable () -> String

    /// Makes a dispatcher.
    public init(router: Router = Router(), origin: String = "apium", now: Timestamp, makeID: @escaping @Sendable () -> String = JobID.make) {
        self.router = router
        self.origin = origin
        self.now = now
        self.makeID = makeID
    }

    /// The job that sends: root and parent of what it sends.
    public struct Sender: Sendable, Hashable {
        /// The sending job's id.
        public var id: String
        /// The root of its workflow.
        public var rootID: String

        /// Makes a sender.
        public init(id: String, rootID: String) {
            self.id = id
            self.rootID = rootID
        }
    }
}
