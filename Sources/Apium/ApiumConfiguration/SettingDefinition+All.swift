// Every setting, in groups. A name is Celery's unless it says `own`.
extension SettingDefinition {
    static let broker = [
        SettingDefinition("broker_url", .address, \.brokerURL, "Where the jobs are: redis://, rediss://, redis+socket:// or sentinel://."),
        SettingDefinition(
            "broker_transport_options", .transport, \.brokerOptions,
            "global_keyprefix, priority_steps, sep, visibility_timeout, master_name, sentinel_kwargs, socket_timeout, socket_connect_timeout, client_name."),
        SettingDefinition("broker_use_ssl", .encryption, \.brokerTLS, "TLS to the broker; a rediss:// address says it, too."),
        SettingDefinition(
            "broker_connection_timeout", .optionalSeconds(least: 0.001), \.brokerConnectionTimeout, "How long connecting may take; 5 if not set."),
    ]

    static let results = [
        SettingDefinition("result_backend", .optionalAddress, \.resultBackend, "Where the results are; if not set, where the jobs are."),
        SettingDefinition(
            "result_backend_transport_options", .transport, \.resultOptions,
            "As broker_transport_options; an underscore is put behind a global_keyprefix that ends in a letter or digit."),
        SettingDefinition("redis_backend_use_ssl", .encryption, \.resultTLS, "TLS to the results; a rediss:// address says it, too."),
        SettingDefinition(
            "redis_socket_timeout", .optionalSeconds(least: 0.001), \.resultOptions.socketTimeout, "How long the results' server may take to answer."),
        SettingDefinition(
            "redis_socket_connect_timeout", .optionalSeconds(least: 0.001), \.resultOptions.connectTimeout,
            "How long connecting to the results' server may take."),
        SettingDefinition("result_expires", .seconds(), \.resultExpires, "How long results are kept; 0: for ever."),
        SettingDefinition("result_failure_expires", .optionalSeconds(), \.resultFailureExpires, "How long failures are kept; if not set, as results."),
        SettingDefinition(
            "result_chord_expires", .optionalSeconds(), \.resultChordExpires, "How long the parts of an unfinished chord are kept; if not set, as results."),
        SettingDefinition("result_chord_join_timeout", .seconds(least: 0.001), \.resultChordJoinTimeout, "How long a chord's join may wait for results."),
        SettingDefinition("result_extended", .flag, \.resultExtended, "Whether results are stored with name, arguments, worker and queue."),
    ]

    static let routing = [
        SettingDefinition("task_default_queue", .text, \.router.defaultQueue, "The queue of tasks that nothing else routes."),
        SettingDefinition(
            "task_default_exchange", .optionalText, \.router.defaultExchange,
            "The exchange of declared queues that name none; if not set, the default queue's name."),
        SettingDefinition("task_default_routing_key", .optionalText, \.router.defaultRoutingKey, "The routing key of the default queue; if not set, its name."),
        SettingDefinition(
            "task_default_priority", .integer(0...9), \.router.defaultPriority, "The priority of messages for which nobody says one; 0 is first."),
        SettingDefinition("task_queues", .queues, \.router.queues, "Declared queues: name, exchange, routing_key, expires, max_length, max_priority."),
        SettingDefinition("task_routes", .routes, \.router.routes, "Where tasks go, by name or pattern with *: queue, exchange with routing_key, priority."),
        SettingDefinition(
            "task_create_missing_queues", .flag, \.router.createMissingQueues,
            "Whether queues that are not declared may be used; if false, an error names the queue."),
    ]

    static let content = [
        SettingDefinition("task_serializer", .one, \.taskFormat.serializer, "How messages are written."),
        SettingDefinition("task_compression", .compression, \.taskFormat.compression, "How messages are compressed; not at all if not set."),
        SettingDefinition("accept_content", .several, \.acceptedContent, "The serialisations in which messages are read; others are parked."),
        SettingDefinition(
            "result_compression", .compression, \.resultCompression, "How results are compressed; not at all if not set. Compressed ones are always read."),
        SettingDefinition(
            "result_accept_content", .several, \.resultAcceptedContent, "The serialisations in which results are read; if not set, those of accept_content."),
    ]

    static let security = [
        SettingDefinition("security_key", .optionalText, \.signing.keyFile, "A PEM file with the RSA key that signs bodies (task_serializer: auth)."),
        SettingDefinition("security_key_password", .secret, \.signing.keyPassword, "The password of that key; never shown."),
        SettingDefinition("security_certificate", .optionalText, \.signing.certificateFile, "A PEM file with that key's certificate, which names the signer."),
        SettingDefinition(
            "security_cert_store", .optionalText, \.signing.certificateStore,
            "The certificates of those whose signatures count: a folder, or a pattern of file names."),
        SettingDefinition("security_digest", .digest, \.signing.digest, "Of what signatures are made; the same on both sides."),
    ]

    static let tasks = [
        SettingDefinition(
            "task_acks_late", .optionalFlag, \.jobDefaults.acksLate, "Whether messages are acknowledged after the run; true if not set (Celery: false)."),
        SettingDefinition("task_ignore_result", .optionalFlag, \.jobDefaults.ignoreResult, "Whether results are thrown away."),
        SettingDefinition(
            "task_store_errors_even_if_ignored", .optionalFlag, \.jobDefaults.storeErrorsEvenIfIgnored,
            "Whether failures are stored although results are thrown away."),
        SettingDefinition(
            "task_reject_on_worker_lost", .optionalFlag, \.jobDefaults.rejectOnWorkerLost,
            "Whether a job that took its process down runs again, until it is quarantined; true if not set (Celery: false)."),
        SettingDefinition("task_track_started", .optionalFlag, \.jobDefaults.trackStarted, "Whether the state STARTED is stored."),
        SettingDefinition("task_time_limit", .optionalSeconds(least: 0.001), \.jobDefaults.timeLimit, "After this time a run fails with TimeLimitExceeded."),
        SettingDefinition("task_soft_time_limit", .optionalSeconds(least: 0.001), \.jobDefaults.softTimeLimit, "After this time a run is told to end."),
    ]

    static let worker = [
        SettingDefinition("worker_name", own: true, .text, \.workerName, "The node name, NAME@HOST; %h is the host."),
        SettingDefinition(
            "worker_queues", short: "APIUM_QUEUES", own: true, .optionalList, \.workerQueues, "The queues a worker serves; if not set, the program's own."),
        SettingDefinition("worker_concurrency", short: "APIUM_CONCURRENCY", .integer(1...10_000), \.workerConcurrency, "How many jobs a worker runs at once."),
        SettingDefinition("worker_grace_period", own: true, .seconds(), \.workerGracePeriod, "How long running jobs may take to end after SIGTERM."),
        SettingDefinition("worker_lease", own: true, .seconds(least: 1), \.workerLease, "After this time without a renewal a worker's jobs run elsewhere."),
        SettingDefinition("worker_pool", .pool, \.workerPool, "Where jobs run: in the worker's process, or all in child processes."),
        SettingDefinition(
            "worker_max_tasks_per_child", .integer(0...Int.max), \.workerMaxTasksPerChild, "A child process is replaced after so many jobs; 0: never."),
        SettingDefinition(
            "worker_max_memory_per_child", .integer(0...Int.max), \.workerMaxMemoryPerChild,
            "A child process is replaced when it holds more KiB; 0: whatever it holds."),
        SettingDefinition(
            "worker_leaked_slot_limit", own: true, .integer(1...10_000), \.workerLeakedSlotLimit,
            "With so many jobs that were given up and still run the worker ends, for a fresh process."),
        SettingDefinition(
            "worker_crash_limit", own: true, .integer(1...1_000_000), \.workerCrashLimit,
            "How many times a job may take its worker down before it is quarantined."),
        SettingDefinition(
            "worker_max_message_size", own: true, .integer(1024...Int.max), \.workerMaxMessageSize,
            "The longest message that is run, in bytes; longer ones are parked."),
        SettingDefinition(
            "worker_enable_remote_control", .flag, \.monitoring.remoteControl, "Whether commands of `celery control` and `celery inspect` are taken."),
        SettingDefinition("worker_send_task_events", .flag, \.monitoring.taskEvents, "Whether the worker begins with events about its jobs on."),
        SettingDefinition(
            "metrics_address", short: "APIUM_METRICS", own: true, .optionalText, \.metricsAddress,
            "Where workers and beats answer /live, /ready and /metrics: HOST:PORT; nowhere if not set."),
        SettingDefinition("control_exchange", .text, \.monitoring.controlExchange, "The exchange of remote control."),
        SettingDefinition("event_exchange", .text, \.monitoring.eventExchange, "The exchange of events."),
        SettingDefinition(
            "worker_deduplicate_successful_tasks", .optionalFlag, \.jobDefaults.deduplicatesSuccessful,
            "Whether a message that comes again, though its SUCCESS is stored, is not run again."),
    ]

    static let beat = [
        SettingDefinition("beat_schedule_file", short: "APIUM_SCHEDULE", own: true, .text, \.scheduleFile, "The schedule file of beat.")
    ]
}
