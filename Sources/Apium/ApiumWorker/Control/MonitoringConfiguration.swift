import DynamicJSON

/// How a worker is watched and told things: Celery's remote control and events.
public struct MonitoringConfiguration: Sendable {
    /// Whether remote control commands are taken (Celery's `worker_enable_remote_control`). Default: `true`.
    public var remoteControl = true
    /// Celery's `control_exchange`. Default: `celery`.
    public var controlExchange = "celery"
    /// Celery's `event_exchange`. Default: `celeryev`.
    public var eventExchange = "celeryev"
    /// Whether the worker begins with events about its jobs on (`-E`, Celery's `worker_send_task_events`); `enable_events` and
    /// `disable_events` change it later. Default: `false`.
    public var taskEvents = false
    /// The time between two heartbeats; `nil` (`--without-heartbeat`): the worker tells nothing about itself. Default: 5 seconds; whoever
    /// listens is told, and counts two of them.
    public var heartbeat: Duration? = .seconds(5)
    /// Settings that `inspect conf` shows beside the worker's own, under Celery's names. No secrets. Default: none.
    public var settings: [String: JSONValue] = [:]

    /// Makes a configuration of the defaults.
    public init() {}

    /// The fanout exchange of requests.
    var pidbox: String { "\(controlExchange).pidbox" }
}
