import ApiumCore
import ApiumRedis
import ApiumWorker
import RedisClient

/// Everything that can be set about a deployment: where jobs and results are, how tasks are routed, how workers run.
///
/// Made by code, or read from a YAML file, `.env`, the environment and the command line by ``SettingsReader``. The names there are
/// Celery's where Celery has the setting; ``SettingDefinition/all`` lists them.
///
/// ```swift
/// var settings = ApiumSettings()
/// settings.brokerURL = "rediss://:secret@redis.internal/0"
/// settings.router.routes = [["shop.images.*": .queue("images")]]
/// let apium = try settings.connect(logger: logger)
/// ```
public struct ApiumSettings: Sendable {
    /// Where the jobs are, as Celery writes it (`broker_url`). Default: `redis://127.0.0.1:6379/0`.
    public var brokerURL = "redis://127.0.0.1:6379/0"
    /// How the broker's server is used (`broker_transport_options`).
    public var brokerOptions = TransportOptions()
    /// TLS to the broker, beside what the URL says (`broker_use_ssl`). Default: `nil`, as the URL says.
    public var brokerTLS: RedisTLSOptions?
    /// How long connecting to the broker may take (`broker_connection_timeout`). Default: `nil`, 5 seconds.
    public var brokerConnectionTimeout: Duration?

    /// Where the results are (`result_backend`). Default: `nil`, where the jobs are.
    public var resultBackend: String?
    /// How the results' server is used (`result_backend_transport_options`).
    public var resultOptions = TransportOptions()
    /// TLS to the results, beside what the URL says (`redis_backend_use_ssl`). Default: `nil`, as the URL says.
    public var resultTLS: RedisTLSOptions?
    /// How long results are kept; zero: for ever (`result_expires`). Default: one day.
    public var resultExpires = Duration.seconds(86_400)
    /// How long failures are kept (`result_failure_expires`). Default: `nil`, as ``resultExpires``.
    public var resultFailureExpires: Duration?
    /// How long the parts of an unfinished chord are kept (`result_chord_expires`). Default: `nil`, as ``resultExpires``.
    public var resultChordExpires: Duration?
    /// How long a chord's join may wait for results (`result_chord_join_timeout`). Default: 3 seconds.
    public var resultChordJoinTimeout = Duration.seconds(3)
    /// Whether results are stored with name, arguments, worker and queue (`result_extended`). Default: `false`.
    public var resultExtended = false
    /// How stored results are compressed (`result_compression`); compressed ones are read in any case. Default: `nil`, not at all.
    public var resultCompression: BodyCompression?
    /// The serialisations in which results are read (`result_accept_content`). Default: `nil`, as ``acceptedContent``.
    public var resultAcceptedContent: AcceptedContent?

    /// The serialisations that the program brings: what the settings may name. `Serializer.yaml` is in a product of its own, `ApiumYAML`.
    /// Default: JSON alone.
    public var serializers = [Serializer.json]
    /// How messages are written (`task_serializer`, `task_compression`). Default: JSON, not compressed.
    public var taskFormat = ContentFormat.json
    /// The serialisations in which messages are read; others are parked (`accept_content`). Default: JSON alone.
    public var acceptedContent = AcceptedContent.json

    /// How bodies are signed, and whose signatures count (`security_key`, `security_certificate`, `security_cert_store` …), where `task_serializer` or
    /// `accept_content` is `auth`; the program brings the product `ApiumSigning` for it.
    public var signing = SigningOptions()

    /// Queues, routes and defaults of routing (`task_queues`, `task_routes`, `task_default_queue` …).
    public var router = Router()
    /// What counts for jobs that don't say it themselves (`task_acks_late`, `task_ignore_result` …).
    public var jobDefaults = JobDefaults()

    /// The node name; `%h` is the host (`worker_name`). Default: `apium@%h`.
    public var workerName = "apium@%h"
    /// The queues a worker serves (`worker_queues`). Default: `nil`, the program's own, else those of the router.
    public var workerQueues: [String]?
    /// How many jobs a worker runs at once (`worker_concurrency`). Default: 16.
    public var workerConcurrency = 16
    /// How long running jobs may take to end after SIGTERM (`worker_grace_period`). Default: 25 seconds.
    public var workerGracePeriod = Duration.seconds(25)
    /// After this time without a renewal a worker's jobs run elsewhere (`worker_lease`). Default: 5 seconds.
    public var workerLease = Duration.seconds(5)
    /// Where jobs run (`worker_pool`). Default: tasks of the worker's process; isolated jobs in child processes.
    public var workerPool = IsolationOptions.Pool.tasks
    /// A child process is replaced after so many jobs; 0: never (`worker_max_tasks_per_child`). Default: 0.
    public var workerMaxTasksPerChild = 0
    /// A child process is replaced when it holds more than so many KiB; 0: whatever it holds (`worker_max_memory_per_child`). Default: 0.
    public var workerMaxMemoryPerChild = 0

    /// With so many jobs that were given up and still run the worker ends, for a fresh process (`worker_leaked_slot_limit`). Default: 4.
    public var workerLeakedSlotLimit = 4
    /// How many times a job may take its worker or child process down before it is quarantined (`worker_crash_limit`). Default: 3.
    public var workerCrashLimit = 3
    /// The longest message that a worker runs, in bytes; longer ones are parked (`worker_max_message_size`). Default: 64 MiB.
    public var workerMaxMessageSize = 64 << 20
    /// Remote control and events (`worker_enable_remote_control`, `worker_send_task_events`, `control_exchange`, `event_exchange`).
    public var monitoring = MonitoringConfiguration()

    /// Where workers and beats answer `/live`, `/ready` and `/metrics`, HOST:PORT (`metrics_address`). Default: `nil`, nowhere.
    public var metricsAddress: String?

    /// The schedule file of beat (`beat_schedule_file`). Default: `beat/schedule.yaml`.
    public var scheduleFile = "beat/schedule.yaml"

    /// The defaults, each given at its property.
    public init() {}
}

extension ApiumSettings: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The settings that differ from their defaults; secrets are masked.
    public var description: String {
        let standard = ApiumSettings()
        return SettingDefinition.all.compactMap { definition in
            let value = definition.show(self)
            return value == definition.show(standard) ? nil : "\(definition.name)=\(value.text)"
        }.joined(separator: " ")
    }

    /// The same as `description`.
    public var debugDescription: String { description }
    /// Shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: ["settings": description]) }
}
