import DynamicJSON

/// What a caller says about one job.
public struct EnqueueOptions: Sendable {
    /// The job's id; `nil` makes a new one.
    public var id: String?
    /// The queue; `nil`: the job's own, else what the client's router says.
    public var queue: String?
    /// A named direct exchange, for use with ``routingKey``: the message goes to every queue that is bound there with this key.
    public var exchange: String?
    /// The routing key on ``exchange``.
    public var routingKey: String?
    /// Not before this much time has passed on the broker's clock.
    public var delay: Duration?
    /// Not before this instant on the broker's clock, Celery's `eta`; an instant that has passed is no wait. Of no account beside ``delay``.
    public var eta: Timestamp?
    /// Dropped as REVOKED when it has not started within this time.
    public var expires: Duration?
    /// 0 (first) to 9; `nil`: the job's own, else what the client's router says.
    public var priority: Int?
    /// `nil`: the job's own.
    public var ignoreResult: Bool?
    /// How the body is written: Celery's `serializer` and `compression`. `nil`: as the client writes all of them.
    public var format: ContentFormat?
    /// What must be so for the job to be enqueued: its id not known yet, its queue not too long. Default: nothing.
    public var conditions = EnqueueConditions()
    /// What has to hold the job before the call returns. `nil`: the server's memory.
    public var durability: Durability?
    /// Whether nothing is enqueued while another job of the key holds its lock. `nil`: what the job's type says.
    public var unique: Unique?
    /// Additional headers.
    public var headers: [String: JSONValue] = [:]
    /// The workflow's first job.
    public var rootID: String?
    /// The sender's id.
    public var parentID: String?

    /// Makes options that change nothing.
    public init() {}

    /// Makes options by changing the defaults.
    public static func with(_ change: (inout EnqueueOptions) -> Void) -> EnqueueOptions {
        var options = EnqueueOptions()
        change(&options)
        return options
    }
}
