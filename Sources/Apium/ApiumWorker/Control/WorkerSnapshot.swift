import ApiumCore
import DynamicJSON

extension ScheduledJob {
    /// The time that the message names, which is the sender's to the microsecond; without one, when it is due.
    var eta: Timestamp { message.headers.eta.flatMap { Timestamp(iso8601: $0) } ?? due }
}

/// Everything that inspection asks a worker, as it is at one moment: commands are pure functions over it.
struct WorkerSnapshot: Sendable {
    var node: String
    var pid: Int32
    /// The child processes that live.
    var children: [Int32] = []
    var clock: Int64
    var uptime: Duration
    var configuration: WorkerConfiguration
    var registry: JobRegistry
    /// Where the broker is; `nil` when it cannot say.
    var server: BrokerAddress?
    var queues: [String]
    /// What is declared for the queues.
    var bindings: [QueueBinding]
    var concurrency: Int
    /// The jobs under way, those that have not begun included.
    var jobs: [RunningJob]
    /// Task → how many of its jobs have begun.
    var totals: [String: Int]
    /// What operators have revoked.
    var control: ControlState
    /// Rate limits that remote control has set.
    var rateLimits: [String: String]

    /// The jobs that run.
    var active: [RunningJob] { jobs.filter { $0.began != nil } }

    /// The jobs that are claimed and have not begun.
    var reserved: [RunningJob] { jobs.filter { $0.began == nil } }

    /// Celery's task info of a job (celery-wire 13).
    func info(_ job: RunningJob, safe: Bool = false) -> JSONValue {
        let began = job.began.map { JSONValue.double($0.seconds) } ?? .null
        return info(job.message, queue: job.queue, began: began, isAcknowledged: job.isAcknowledged, pid: job.began == nil ? nil : job.pid ?? pid, safe: safe)
    }

    /// The info of a job that waits for its time.
    func info(_ job: ScheduledJob) -> JSONValue {
        info(job.message, queue: job.queue, began: .null, isAcknowledged: false, pid: nil, safe: false)
    }

    private func info(_ message: Message, queue: String, began: JSONValue, isAcknowledged: Bool, pid: Int32?, safe: Bool) -> JSONValue {
        // The message is decoded when somebody asks, not when it runs; one whose arguments cannot be read shows none.
        let arguments = safe ? nil : try? message.arguments()
        return [
            "id": .string(message.id), "name": .string(message.headers.shadow ?? message.task), "type": .string(message.task),
            "args": safe ? .text(message.headers.argsRepr) : .array(arguments?.args ?? []),
            "kwargs": safe ? .text(message.headers.kwargsRepr) : .object(arguments?.kwargs ?? [:]), "hostname": .string(node), "time_start": began,
            "acknowledged": .bool(isAcknowledged),
            "delivery_info": [
                "exchange": .string(message.properties.exchange),
                "routing_key": .string(message.properties.routingKey.isEmpty ? queue : message.properties.routingKey),
                "priority": .int(Int64(message.properties.priority)), "redelivered": .bool(message.properties.redelivered),
            ],
            "worker_pid": pid.map { .int(Int64($0)) } ?? .null,
        ]
    }
}
