import DynamicJSON

/// What becomes of Celery's settings that are none of ours: a team that brings its Celery configuration along learns of each what it means
/// here.
enum CelerySetting {
    enum Verdict: Equatable {
        /// It may stay: what it changes in Celery does not exist here, or is as if it were set.
        case noEffect(String)
        /// It asks for something that would be missing.
        case refused(String)
        case unknown
    }

    static func verdict(on name: String, _ value: JSONValue) -> Verdict {
        if let rule = onlyWith[name] { return rule.accepted.contains(value) ? .noEffect(rule.why) : .refused(rule.otherwise) }
        if let why = withoutEffect[name] { return .noEffect(why) }
        if let why = refused[name] { return .refused(why) }
        if let group = groups.first(where: { name.hasPrefix($0.prefix) }) { return .noEffect(group.why) }
        return .unknown
    }

    /// Settings that may be there with one of these values, because that is what happens here.
    private static let onlyWith: [String: (accepted: [JSONValue], why: String, otherwise: String)] = [
        "enable_utc": ([true], "times always travel in UTC", "times always travel in UTC; leave it out"),
        "task_protocol": ([2], "messages are written in protocol 2, and both are read", "messages are written in protocol 2; leave it out"),
        "task_default_exchange_type": (["direct"], "exchanges are direct", "only direct exchanges are supported"),
        "task_create_missing_queue_exchange_type": (["direct"], "exchanges are direct", "only direct exchanges are supported"),
        "task_create_missing_queue_type": (["classic"], "queues on Redis have no type", "queues on Redis have no type; leave it out"),
        "task_default_queue_type": (["classic"], "queues on Redis have no type", "queues on Redis have no type; leave it out"),
        "task_always_eager": ([false], "jobs run in workers", "jobs run in workers; tests use the broker in memory of ApiumTesting"),
        "result_serializer": (
            ["json", "application/json"], "results are written as JSON",
            "results are written as JSON, because ends of jobs and parts of chords are compared inside Redis, which reads nothing else; leave it out"
        ),
        "event_serializer": (["json"], "events are written as JSON", "events are written as JSON; leave it out"),
        "task_acks_on_failure": (
            [true], "failed jobs are acknowledged", "a failed job is kept in the dead set, from where it can be queued again; leave it out"
        ),
        "task_acks_on_timeout": (
            [true], "failed jobs are acknowledged", "a failed job is kept in the dead set, from where it can be queued again; leave it out"
        ),
        "task_acks_on_failure_or_timeout": (
            [true], "failed jobs are acknowledged", "a failed job is kept in the dead set, from where it can be queued again; leave it out"
        ),
        "task_allow_error_cb_on_chord_header": ([false], "errbacks of a chord are its body's", "errbacks of a chord are its body's; leave it out"),
        "task_inherit_parent_priority": ([false], "priorities are not inherited", "priorities are not inherited; a signature or a route says its own"),
        "task_send_sent_event": ([false], "producers send no events", "producers send no events; workers do, see worker_send_task_events"),
        "broker_transport": (["redis"], "the broker is Redis", "the broker is Redis; write broker_url"),
    ]

    private static let refused: [String: String] = [
        "broker_read_url": "there is one broker for both directions; write broker_url",
        "broker_write_url": "there is one broker for both directions; write broker_url",
        "broker_host": "write broker_url", "broker_port": "write broker_url", "broker_user": "write broker_url", "broker_password": "write broker_url",
        "broker_vhost": "write broker_url", "redis_host": "write result_backend", "redis_port": "write result_backend",
        "redis_db": "write result_backend", "redis_username": "write result_backend", "redis_password": "write result_backend",
        "cache_backend": "results are kept on Redis; write result_backend", "database_url": "results are kept on Redis; write result_backend",
        "task_annotations": "options stand at each job (JobOptions)",
        "task_default_rate_limit": "rate limits are set by remote control (`celery control rate_limit`)",
        "worker_direct": "a queue of a worker's own is named in worker_queues",
    ]

    private static let withoutEffect: [String: String] = [
        // Broker.
        "broker_connection_retry": "connecting goes on until it succeeds", "broker_connection_retry_on_startup": "connecting goes on until it succeeds",
        "broker_connection_max_retries": "connecting goes on until it succeeds", "broker_channel_error_retry": "connecting goes on until it succeeds",
        "broker_heartbeat": "AMQP's; Redis connections have deadlines of their own",
        "broker_heartbeat_checkrate": "AMQP's; Redis connections have deadlines of their own",
        "broker_login_method": "AMQP's", "broker_pool_limit": "the connections are few and shared",
        "broker_pool_acquire_timeout": "the connections are few and shared",
        "broker_failover_strategy": "sentinels name the master; there is no list of brokers",
        "broker_native_delayed_delivery_queue_type": "RabbitMQ's; jobs of the future wait in Redis", "worker_detect_quorum_queues": "RabbitMQ's",
        // Results.
        "result_backend_always_retry": "what is safe to repeat is repeated", "result_backend_max_retries": "what is safe to repeat is repeated",
        "result_backend_base_sleep_between_retries_ms": "the waits between attempts are fixed",
        "result_backend_max_sleep_between_retries_ms": "the waits between attempts are fixed",
        "result_cache_max": "handles keep no cache", "result_persistent": "rpc:// only", "result_exchange": "rpc:// only",
        "result_exchange_type": "rpc:// only",
        "result_chord_retry_interval": "chords are counted as parts end, not polled", "redis_max_connections": "the connections are few and shared",
        "redis_retry_on_timeout": "what is safe to repeat is repeated", "redis_socket_keepalive": "keep-alive is always on",
        // Tasks.
        "task_default_delivery_mode": "Redis keeps messages as its own settings say", "task_queue_max_priority": "RabbitMQ's; priorities have steps",
        "task_publish_retry": "publishing again could run a job twice; the error says whether the first may have arrived",
        "task_publish_retry_policy": "publishing again could run a job twice; the error says whether the first may have arrived",
        "task_eager_propagates": "jobs run in workers", "task_store_eager_result": "jobs run in workers",
        "worker_disable_rate_limits": "rate limits are set by remote control",
        "task_retry_on_worker_lost": "such a job runs again anyway; see task_reject_on_worker_lost",
        "timezone": "each entry of a schedule names its own; UTC if it does not",
        "task_remote_tracebacks": "needs a Python library on both sides", "task_repr_maxlevels": "argsrepr is cut by length",
        // Workers.
        "worker_prefetch_multiplier": "a worker claims as many jobs as it has free slots, so nothing waits at a busy worker",
        "worker_disable_prefetch": "a worker claims as many jobs as it has free slots",
        "worker_enable_prefetch_count_reduction": "a worker claims as many jobs as it has free slots",
        "worker_eta_task_limit": "jobs of the future wait in Redis, not in workers",
        "worker_cancel_long_running_tasks_on_connection_loss": "a job whose lease is lost is always cancelled",
        "worker_soft_shutdown_timeout": "worker_grace_period says how long running jobs may take to end",
        "worker_enable_soft_shutdown_on_idle": "an idle worker ends at once", "worker_lost_wait": "a child's end is noticed at once",
        "worker_proc_alive_timeout": "children say when they are up", "worker_pool_putlocks": "jobs are claimed for free slots only",
        "worker_pool_restarts": "a worker is replaced by a new process", "worker_pool_start_method": "children are always spawned",
        "worker_agent": "Python classes", "worker_autoscaler": "Python classes", "worker_consumer": "Python classes", "worker_timer": "Python classes",
        "worker_timer_precision": "timers are those of the event loop", "worker_state_db": "revokes are kept in Redis",
        "worker_hijack_root_logger": "Python's logging", "worker_redirect_stdouts": "Python's logging", "worker_redirect_stdouts_level": "Python's logging",
        "imports": "jobs are registered in the program", "include": "jobs are registered in the program",
        // Beat.
        "beat_schedule": "schedules stand in a file of their own; see beat_schedule_file", "beat_schedule_filename": "marks are kept in Redis",
        "beat_scheduler": "Python classes", "beat_sync_every": "each slot is marked in Redis as it fires",
        "beat_max_loop_interval": "beat sleeps until the next slot", "beat_cron_starting_deadline": "each entry says whether missed slots are made good",
    ]

    /// Families of settings.
    private static let groups: [(prefix: String, why: String)] = [
        ("arangodb_", "another result backend's"), ("azureblockblob_", "another result backend's"), ("cassandra_", "another result backend's"),
        ("cosmosdbsql_", "another result backend's"), ("couchbase_", "another result backend's"), ("database_", "another result backend's"),
        ("elasticsearch_", "another result backend's"), ("gcs_", "another result backend's"), ("mongodb_", "another result backend's"),
        ("s3_", "another result backend's"), ("cache_", "another result backend's"), ("security_", "signed messages are not supported"),
        ("worker_log_", "Python's logging"), ("worker_task_log_", "Python's logging"), ("beat_enable_remote", "beat takes no commands"),
        ("beat_remote_control", "beat takes no commands"), ("control_queue_", "broadcasts on Redis have no queues of their own"),
        ("event_queue_", "broadcasts on Redis have no queues of their own"),
    ]
}
