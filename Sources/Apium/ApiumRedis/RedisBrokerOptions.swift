import ApiumCore

/// How a broker uses its Redis server. The values that Celery's peers must share have Celery's names.
public struct RedisBrokerOptions: Sendable, Hashable {
    /// kombu's `global_keyprefix`: in front of every key and channel. Default: empty.
    public var globalKeyPrefix: String
    /// kombu's `fanout_prefix`: in front of the channels of control messages and events; `{db}` is the database's number. Default: `/{db}.`.
    public var fanoutPrefix: String = "/{db}."
    /// kombu's `fanout_patterns`: whether those channels carry the routing key. Default: `true`.
    public var fanoutPatterns = true
    /// The serialisations in which bodies are read where no worker is there to do it: of jobs that were lost, for what depends on them. Default: JSON alone.
    public var taskContent = AcceptedContent.json
    /// The serialisations in which control messages and their replies are read. Default: JSON alone.
    public var controlContent = AcceptedContent.json
    /// How control messages are written; replies are written as their question was. Default: JSON.
    public var controlSerializer = Serializer.json
    /// kombu's `priority_steps`. Default: 0, 3, 6, 9.
    public var prioritySteps: [Int]
    /// kombu's `sep`: between a queue's name and its step, and between the parts of a binding. Default: the control characters 06 and 16.
    public var separator: String
    /// Bindings that are made when a message to their exchange finds none: those of the declared queues. Default: none.
    public var declaredBindings: [QueueBinding]
    /// How many messages may be ready in a queue before an enqueue is refused; queues that are not named have no limit, and what follows a
    /// job that ends has none. Default: none.
    public var queueLimits: [String: Int] = [:]
    /// How many connections there are at most for enqueues that wait for a confirmation. Default: 8.
    public var confirmingConnections = 8
    /// What Python workers hold, and when it counts as lost.
    public var unacked = UnackedOptions()
    /// How results and chord parts that travel with a completion are kept.
    public var results: RedisResultOptions
    /// How long a blocked read waits before it is repeated; 5 seconds at most where Redis does not let us end connections. A read whose
    /// connection is half-open is found sooner, by the renewals of the lease. Default: 30 seconds.
    public var blockingTimeout: Duration
    /// How many lists are waited on by a connection each; the rest is looked at every 50 ms. Default: 32.
    public var waitingConnections: Int
    /// How many times a job may take its worker down before it is quarantined. Default: 3.
    public var crashLimit: Int
    /// How long cancelled ids are kept. Default: 7 days.
    public var revokeExpires: Duration
    /// How long set-aside records are kept. Default: 180 days.
    public var shelfAge: Duration
    /// How many records each shelf keeps. Default: 100,000.
    public var shelfLimit: Int

    /// The defaults are those of the properties.
    public init(
        globalKeyPrefix: String = "", prioritySteps: [Int] = [0, 3, 6, 9], separator: String = RedisKeys.kombuSeparator,
        declaredBindings: [QueueBinding] = [], resultExpires: Duration = .seconds(86_400), resultKeyPrefix: String = "",
        blockingTimeout: Duration = .seconds(30), waitingConnections: Int = 32, crashLimit: Int = 3, revokeExpires: Duration = .seconds(7 * 86_400),
        shelfAge: Duration = .seconds(180 * 86_400), shelfLimit: Int = 100_000
    ) {
        self.globalKeyPrefix = globalKeyPrefix
        self.prioritySteps = prioritySteps
        self.separator = separator
        self.declaredBindings = declaredBindings
        results = RedisResultOptions(keyPrefix: resultKeyPrefix, expires: resultExpires)
        self.blockingTimeout = blockingTimeout
        self.waitingConnections = waitingConnections
        self.crashLimit = crashLimit
        self.revokeExpires = revokeExpires
        self.shelfAge = shelfAge
        self.shelfLimit = shelfLimit
    }

    /// Celery's `result_expires`; see ``RedisResultOptions/expires``.
    public var resultExpires: Duration {
        get { results.expires }
        set { results.expires = newValue }
    }

    /// The prefix of the results' keys; see ``RedisResultOptions/keyPrefix``.
    public var resultKeyPrefix: String {
        get { results.keyPrefix }
        set { results.keyPrefix = newValue }
    }
}
