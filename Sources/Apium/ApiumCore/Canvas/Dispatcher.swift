import DynamicJSON

/// Turns signatures into messages: gives ids, splits chains into first step and rest, opens chords (celery-wire 8).
///
/// A value without I/O; the clock is read by the caller.
///
/// ```swift
/// let dispatcher = Dispatcher(now: try await broker.serverTime())
/// let plan = try dispatcher.plan(.chain([Signature("shop.fetch", args: [7]), Signature("shop.store")]))
/// try await results.open(plan.chords)
/// try await broker.enqueue(plan.messages)
/// ```
public struct Dispatcher: Sendable {
    /// Decides where calls go.
    public var router: Router
    /// What stands in the header `origin`.
    public var origin: String
    /// The broker's time, for `countdown` and `expires` in seconds.
    public var now: Timestamp
    /// How bodies are written. Default: JSON, not compressed.
    public var format = ContentFormat.json
    /// Makes ids.
    public var makeID: @Sendable () -> String
    /// What is known of a task by its name: its queue, priority and `ignoreResult` count where a signature says nothing, and
    /// before the router's own rules. Default: nothing is
    /// known of any.
    public var jobOptions: @Sendable (_ task: String) -> JobOptions?

    /// Makes a dispatcher.
    public init(
        router: Router = Router(), origin: String = "apium", now: Timestamp, makeID: @escaping @Sendable () -> String = JobID.make,
        jobOptions: @escaping @Sendable (_ task: String) -> JobOptions? = { _ in nil }
    ) {
        self.router = router
        self.origin = origin
        self.now = now
        self.makeID = makeID
        self.jobOptions = jobOptions
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

        /// The job of a message as the sender of what follows it.
        public init(_ message: Message) { self.init(id: message.id, rootID: message.headers.rootID ?? message.id) }
    }

    /// Plans the sending of a signature of any form.
    ///
    /// - Parameters:
    ///   - signature: what to send.
    ///   - args: put in front of the signature's own positional arguments (of a chain: of its first step; of a group or a chord: of
    ///     each member of the group or header), unless it is immutable.
    ///   - kwargs: added to the keyword arguments in the same way.
    ///   - options: take the place of the signature's own options, under Celery's names; null ones are passed over.
    ///   - sender: the job that sends, if one does.
    /// - Throws: ``ApiumError`` `malformedMessage` when a part of it is no signature, `badArguments` when an option has a value that it
    ///   cannot have.
    public func plan(
        _ signature: Signature, with args: [JSONValue] = [], kwargs: [String: JSONValue] = [:], options: SignatureOptions = [:], sender: Sender? = nil
    ) throws -> DispatchPlan {
        var planner = Planner(self, sender: sender)
        let result = try planner.apply(try CanvasNode(signature), Planner.Call(args: args, kwargs: kwargs, options: options.wire))
        return planner.finished(result)
    }
}
