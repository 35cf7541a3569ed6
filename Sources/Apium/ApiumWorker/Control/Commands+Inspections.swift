import ApiumCore
import DynamicJSON

extension CommandTable {
    mutating func addInspections() {
        inspect("ping") { _, _ in ["ok": "pong"] }
        inspect("clock") { _, worker in ["clock": .int(worker.clock)] }
        inspect("active", "dump_active", optional: ["safe"]) { call, worker in .array(worker.active.map { worker.info($0, safe: call.isTrue("safe")) }) }
        inspect("reserved", "dump_reserved") { _, worker in .array(worker.reserved.map { worker.info($0) }) }
        inspect("registered", "dump_tasks", optional: ["taskinfoitems", "builtins"]) { call, worker in
            let items = call.texts("taskinfoitems")
            return .array(worker.registered(items.isEmpty ? ["exchange", "routing_key", "rate_limit"] : items, withBuiltins: call.isTrue("builtins")))
        }
        inspect("active_queues", takesOthers: false) { _, worker in .array(worker.queues.map(worker.queue)) }
        inspect("stats") { _, worker in worker.stats }
        inspect("conf", "dump_conf", optional: ["with_defaults"]) { _, worker in .object(worker.settings) }
        inspect("report", takesOthers: false) { _, worker in ["ok": .string(worker.report)] }
        inspect("memsample") { _, _ in .string(Self.megabytes(ProcessUsage.peakMemory)) }
        inspect("memdump", optional: ["samples"]) { _, _ in .string("resident at most: \(Self.megabytes(ProcessUsage.peakMemory))\n") }
        inspect("objgraph", optional: ["num", "max_depth", "type"]) { _, _ in
            throw JobFailure(type: "ImportError", arguments: ["object graphs are of Python's memory; this worker is not written in it"])
        }
        for name in ["scheduled", "dump_schedule"] {
            control(name) { _, controls in
                let worker = controls.snapshot()
                return .reply(
                    .array(
                        try await controls.scheduled().map { job in
                            // Celery reports each with the priority of its timer.
                            ["eta": .string(job.eta.iso8601), "priority": 6, "request": worker.info(job)]
                        }))
            }
        }
        control("query_task", required: ["ids"]) { call, controls in
            let ids = Set(call.texts("ids"))
            let worker = controls.snapshot()
            var found: [String: JSONValue] = [:]
            for job in try await controls.scheduled() where ids.contains(job.message.id) { found[job.message.id] = ["scheduled", worker.info(job)] }
            for job in worker.jobs where ids.contains(job.message.id) {
                found[job.message.id] = [job.began == nil ? "reserved" : "active", worker.info(job)]
            }
            return .reply(.object(found))
        }
    }

    private static func megabytes(_ bytes: Int64) -> String {
        let hundredths = (Double(bytes) / 1_048_576 * 1000).rounded() / 1000
        return "\(hundredths)MB"
    }
}

extension WorkerSnapshot {
    /// The names of the jobs, with those of the wanted attributes that they have.
    func registered(_ attributes: [String], withBuiltins: Bool) -> [JSONValue] {
        registry.names.filter { withBuiltins || !$0.hasPrefix("celery.") }.compactMap { name -> JSONValue? in
            guard let entry = registry[name] else { return nil }
            let fields = attributes.compactMap { attribute in self.attribute(attribute, of: entry).map { "\(attribute)=\($0)" } }
            return .string(fields.isEmpty ? name : "\(name) [\(fields.joined(separator: " "))]")
        }
    }

    /// An attribute of Celery's tasks as text; `nil` when the job has no such thing.
    private func attribute(_ name: String, of entry: JobRegistry.Entry) -> String? {
        let options = entry.options
        switch name {
        case "name": return entry.name
        case "queue", "routing_key": return options.queue
        case "priority": return options.priority.map { String($0) }
        case "max_retries": return options.mostRetries.map { String($0) }
        case "rate_limit": return rateLimits[entry.name]
        case "acks_late": return options.acksLate ? "True" : "False"
        case "ignore_result": return options.ignoreResult ? "True" : "False"
        case "track_started": return options.trackStarted ? "True" : "False"
        case "time_limit": return options.timeLimit.map { PythonText.text(.double($0.inSeconds)) }
        default: return nil
        }
    }

    /// A queue as Celery describes it: bound to a direct exchange, durable, everything else unset.
    func queue(_ name: String) -> JSONValue {
        let binding = bindings.first { $0.queue == name }
        let exchange: JSONValue = [
            "name": .string(binding?.exchange ?? name), "type": "direct", "arguments": nil, "durable": true, "passive": false, "auto_delete": false,
            "delivery_mode": nil,
            "no_declare": false,
        ]
        return [
            "name": .string(name), "exchange": exchange, "routing_key": .string(binding?.routingKey ?? name), "queue_arguments": nil, "binding_arguments": nil,
            "consumer_arguments": nil, "durable": true, "exclusive": false, "auto_delete": false, "no_ack": false, "alias": nil, "bindings": [],
            "no_declare": nil, "expires": nil, "message_ttl": nil, "max_length": nil, "max_length_bytes": nil, "max_priority": nil,
        ]
    }

    /// Celery's worker statistics (celery-wire 13).
    var stats: JSONValue {
        [
            "total": .object(totals.mapValues { .int(Int64($0)) }), "pid": .int(Int64(pid)), "clock": .string(String(clock)),
            "uptime": .int(max(uptime.components.seconds, 1)),
            "pool": [
                "implementation": .string(isolation.pool == .processes ? "apium.worker:ProcessPool" : "apium.worker:TaskPool"),
                "max-concurrency": .int(Int64(concurrency)),
                "processes": .array((isolation.pool == .processes ? children : [pid] + children).map { .int(Int64($0)) }),
                "max-tasks-per-child": isolation.maxJobsPerChild > 0 ? .int(Int64(isolation.maxJobsPerChild)) : "N/A", "put-guarded-by-semaphore": false,
                "timeouts": [0, 0], "writes": "N/A",
            ],
            "broker": broker, "prefetch_count": .int(Int64(concurrency)), "rusage": ProcessUsage.resources,
        ]
    }

    private var isolation: IsolationOptions { configuration.isolation }

    private var broker: JSONValue {
        [
            "hostname": .text(server?.host), "userid": .text(server?.user), "virtual_host": .text(server?.virtualHost),
            "port": server?.port.map { .int(Int64($0)) } ?? .null, "insist": false, "ssl": .bool(server?.isEncrypted ?? false),
            "transport": .text(server?.transport), "connect_timeout": 4, "transport_options": [:], "login_method": nil, "uri_prefix": nil, "heartbeat": 0,
            "failover_strategy": "round-robin", "alternates": [],
        ]
    }

    /// The settings in force under Celery's names; secrets are masked where they are made.
    var settings: [String: JSONValue] {
        let monitoring = configuration.monitoring
        let own: [String: JSONValue] = [
            "broker_url": .text(server?.url), "result_backend": .text(server?.url), "broker_heartbeat": 0,
            "accept_content": .array(configuration.acceptedContent.serializers.map { .string($0.name) }),
            "result_accept_content": nil, "task_serializer": "json", "result_serializer": "json", "enable_utc": true, "timezone": "UTC",
            "worker_hijack_root_logger": false, "worker_log_color": nil, "deprecated_settings": nil, "include": [],
            "worker_concurrency": .int(Int64(concurrency)), "worker_prefetch_multiplier": 1, "worker_enable_remote_control": .bool(monitoring.remoteControl),
            "worker_send_task_events": .bool(monitoring.taskEvents), "control_exchange": .string(monitoring.controlExchange),
            "event_exchange": .string(monitoring.eventExchange), "result_extended": .bool(configuration.resultExtended), "task_acks_late": true,
            "task_queues": .array(queues.map { .string($0) }),
        ]
        return own.merging(monitoring.settings) { $1 }
    }

    /// What Celery's `report` says: versions first, then the settings.
    var report: String {
        var lines = [
            "", "software -> celery:\(SoftwareIdentity.celeryVersion) (protocol) \(SoftwareIdentity.name):\(SoftwareIdentity.version)",
            "platform -> system:\(SoftwareIdentity.system)", "settings -> transport:\(server?.transport ?? "memory") results:\(server?.url ?? "memory")", "",
        ]
        lines += settings.sorted { $0.key < $1.key }.map { "\($0.key): \(PythonText.text($0.value))" }
        return lines.joined(separator: "\n") + "\n"
    }
}
