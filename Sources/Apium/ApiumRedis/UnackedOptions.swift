/// Where kombu's consumers note what they hold, and when that counts as lost. The names are those of kombu's transport options.
public struct UnackedOptions: Sendable, Hashable {
    /// How long a delivery may be held before it goes back to its queue (`visibility_timeout`); `nil`: nothing is ever taken back. It must
    /// be the value that the Python workers use, for with a shorter one a job that they still run is run again, as it is by theirs.
    /// It means nothing to our own workers' jobs. Default: an hour, as kombu's.
    public var visibilityTimeout: Duration? = .seconds(3600)
    /// The hash of deliveries (`unacked_key`). Default: `unacked`.
    public var hash = "unacked"
    /// The sorted set of their times (`unacked_index_key`). Default: `unacked_index`.
    public var index = "unacked_index"
    /// The lock of whoever restores (`unacked_mutex_key`). Default: `unacked_mutex`.
    public var mutex = "unacked_mutex"
    /// How long that lock holds, should its owner die (`unacked_mutex_expire`). Default: 300 seconds.
    public var mutexExpires: Duration = .seconds(300)

    /// The defaults are those of the properties.
    public init() {}
}
