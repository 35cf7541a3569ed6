import ApiumCore

/// How a worker runs.
public struct WorkerConfiguration: Sendable {
    /// The node name, `name@host`. Default: `apium@localhost`; executables put the host's name there.
    public var name: String
    /// The queues to serve, in order; the order rotates between queues of equal priority. Default: `["celery"]`.
    public var queues: [String]
    /// How many jobs run at once. Default: 16.
    public var concurrency: Int
    /// After this time without a renewal the worker's jobs run elsewhere. Default: 5 seconds; 1 second at least.
    public var lease: Duration
    /// How long running jobs may take to end after a graceful shutdown began; then they are cancelled. Default: 25 seconds.
    public var gracePeriod: Duration
    /// How long cancelled jobs may take to end before their messages are given back all the same. Default: 3 seconds.
    public var cancellationPeriod: Duration
    /// Whether results are stored with name, arguments, worker, retries and queue (Celery's `result_extended`). Default: `false`.
    public var resultExtended: Bool
    /// Whether the results are kept where the jobs are, so that a job's end and its result are one step. Default: `true`.
    public var resultsTravelWithCompletion: Bool
    /// How child processes are used. Default: not at all, unless the executable supports it.
    public var isolation: IsolationOptions
    /// How long the results of a chord's nested parts are waited for, before its body fails. Celery's `result_chord_join_timeout`.
    /// Default: 3 seconds.
    public var joinTimeout: Duration
    /// With so many jobs that were given up and still run, and at the latest with as many as ``concurrency``, the worker ends, so that
    /// a fresh process takes its place. Default: 4.
    public var leakedSlotLimit: Int
    /// The serialisations in which messages are read, and the most that a compressed body may decompress to: Celery's `accept_content`.
    /// Others are parked. Default: JSON alone, 64 MiB.
    public var acceptedContent: AcceptedContent
    /// The longest message that is run, in bytes as it stands on its queue; longer ones are parked. Default: 64 MiB.
    public var messageSizeLimit = 64 << 20
    /// The wait after a session could not be opened, or lost its lease sooner than one lasts: it doubles from here to 1 second. Default: 100 milliseconds.
    public var reconnectDelay: Duration
    /// How it is watched and told things. Default: remote control and heartbeats on, events about jobs off.
    public var monitoring = MonitoringConfiguration()

    /// Makes a configuration; the defaults are given at the properties.
    public init(
        name: String = "apium@localhost", queues: [String] = ["celery"], concurrency: Int = 16, lease: Duration = .seconds(5),
        gracePeriod: Duration = .seconds(25), cancellationPeriod: Duration = .seconds(3), resultExtended: Bool = false,
        resultsTravelWithCompletion: Bool = true, isolation: IsolationOptions = IsolationOptions(), joinTimeout: Duration = .seconds(3),
        leakedSlotLimit: Int = 4, acceptedContent: AcceptedContent = .json, reconnectDelay: Duration = .milliseconds(100)
    ) {
        self.name = name
        self.queues = queues
        self.concurrency = concurrency
        self.lease = lease
        self.gracePeriod = gracePeriod
        self.cancellationPeriod = cancellationPeriod
        self.resultExtended = resultExtended
        self.resultsTravelWithCompletion = resultsTravelWithCompletion
        self.isolation = isolation
        self.joinTimeout = joinTimeout
        self.leakedSlotLimit = leakedSlotLimit
        self.acceptedContent = acceptedContent
        self.reconnectDelay = reconnectDelay
    }

    /// Checks the bounds; names every fault at once.
    ///
    /// - Throws: ``ApiumError`` with code `invalidConfiguration`.
    public func validate() throws {
        var faults: [String] = []
        if concurrency < 1 || concurrency > 10_000 { faults.append("concurrency is \(concurrency); 1 to 10000 jobs can run at once") }
        if queues.isEmpty { faults.append("queues is empty; a worker serves at least one") }
        if queues.contains(where: \.isEmpty) { faults.append("a queue's name is empty") }
        if Set(queues).count != queues.count { faults.append("a queue is named twice in \(queues.joined(separator: ", "))") }
        if lease < .seconds(1) { faults.append("lease is \(lease); it cannot be shorter than 1 second") }
        if leakedSlotLimit < 1 { faults.append("leakedSlotLimit is \(leakedSlotLimit); the worker ends with 1 lost slot at the earliest") }
        if messageSizeLimit < 1024 { faults.append("messageSizeLimit is \(messageSizeLimit); an ordinary message has more than 1024 bytes") }
        if gracePeriod < .zero { faults.append("gracePeriod is negative") }
        faults += isolation.faults
        guard faults.isEmpty else { throw ApiumError(.invalidConfiguration, faults.joined(separator: "; ")) }
    }
}
