import DynamicJSON

/// A job that ended with its worker, and whose errbacks are still to be told: what a message of ``Message/lostJob`` is about.
///
/// Whether an errback is called in place or sent as a job is known to workers alone, by their registered jobs. So the step that ends
/// the lost job leaves a message in its queue, under a name of its own that nobody takes for the job: whoever claims it tells the
/// errbacks, and a crash on the way brings it back as any other message.
public struct LostJob: Sendable, Hashable {
    /// The name of the messages.
    public static let task = "apium.errbacks"

    /// The lost job's id.
    public var id: String
    /// Its name.
    public var name: String
    /// Its sender.
    public var parentID: String?
    /// How it was lost.
    public var reason: String

    /// Makes a description.
    public init(id: String, name: String, parentID: String? = nil, reason: String) {
        self.id = id
        self.name = name
        self.parentID = parentID
        self.reason = reason
    }

    /// What is stored as the job's result: billiard's error, as Celery's worker has it.
    public var failure: JobFailure { JobFailure(type: "WorkerLostError", arguments: [.string(reason)], module: "billiard.exceptions") }
}

extension Message {
    /// The lost job whose errbacks this message is to tell, if it is such a message: they stand in its body as in the job's own.
    ///
    /// Kept in the header `apium_lost` of messages named ``LostJob/task``: `{"id", "task", "parent", "reason"}`.
    public var lostJob: LostJob? {
        guard task == LostJob.task, let fields = headers.custom[Self.lostHeader], let id = fields["id"]?.stringValue else { return nil }
        return LostJob(
            id: id, name: fields["task"]?.stringValue ?? "", parentID: fields["parent"]?.stringValue, reason: fields["reason"]?.stringValue ?? "")
    }

    /// The message that tells the errbacks of this job, which was lost; `nil` when it has none. Its id is the same whenever it is made.
    func tellingErrbacks(of lost: LostJob, _ embed: TaskArguments.Embed?) -> Message? {
        guard let errbacks = embed?.errbacks, !errbacks.isEmpty else { return nil }
        var headers = Headers(task: LostJob.task, id: "lost:\(id)")
        headers.rootID = self.headers.rootID ?? id
        headers.parentID = id
        headers.origin = self.headers.origin
        headers.argsRepr = self.headers.argsRepr
        headers.kwargsRepr = self.headers.kwargsRepr
        headers.compression = self.headers.compression
        headers.custom[Self.lostHeader] = .object([
            "id": .string(lost.id), "task": .string(lost.name), "parent": lost.parentID.map { .string($0) } ?? .null, "reason": .string(lost.reason),
        ])
        var properties = Properties()
        (properties.exchange, properties.routingKey, properties.priority) = (self.properties.exchange, self.properties.routingKey, self.properties.priority)
        return Message(headers: headers, properties: properties, body: body)
    }

    private static let lostHeader = "apium_lost"
}
