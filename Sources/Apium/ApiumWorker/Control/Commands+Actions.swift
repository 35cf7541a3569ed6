import ApiumCore
import DynamicJSON

extension CommandTable {
    mutating func addEvents() {
        control("enable_events", takesOthers: false) { _, controls in
            guard controls.sink.isAvailable else { return .refused("event dispatcher unavailable") }
            return .ok(controls.sink.tellTasks(true) ? "task events enabled" : "task events already enabled")
        }
        control("disable_events", takesOthers: false) { _, controls in
            guard controls.sink.isAvailable else { return .refused("event dispatcher unavailable") }
            return .ok(controls.sink.tellTasks(false) ? "task events disabled" : "task events already disabled")
        }
        control("heartbeat", takesOthers: false) { _, controls in
            controls.heartbeat.send("worker-heartbeat")
            return .reply(.null)
        }
        // Nothing here is done by an elected worker; Celery's own workers elect among themselves.
        control("election", required: ["id", "topic"], optional: ["action"]) { _, _ in .reply(.null) }
    }

    mutating func addLimits() {
        control("rate_limit", required: ["task_name", "rate_limit"]) { call, controls in
            let limit: RateLimit?
            do throws(InvalidRate) {
                limit = try RateLimit.parse(call["rate_limit"] ?? .null)
            } catch {
                let cause = JobFailure(type: "ValueError", arguments: [.string("could not convert string to float: \(PythonText.text(.string(error.text)))")])
                return .refused("Invalid rate limit string: \(cause.pythonText)")
            }
            let task = try call.text("task_name")
            guard controls.knows(task) else { return .refused("unknown task") }
            controls.status.setRateLimit(limit, of: task)
            return .ok(limit == nil ? "rate limit disabled successfully" : "new rate limit set successfully")
        }
        control("time_limit", optional: ["task_name", "soft", "hard"]) { call, controls in
            guard let task = call["task_name"]?.stringValue, controls.knows(task) else { return .refused("unknown task") }
            controls.status.setTimeLimits(TaskTimeLimits(hard: try call.seconds("hard"), soft: try call.seconds("soft")), of: task)
            return .ok("time limits set successfully")
        }
    }

    mutating func addPool() {
        control("pool_grow", optional: ["n"]) { call, controls in
            try controls.resizePool(by: try call.integer("n", default: 1))
            return .ok("pool will grow")
        }
        control("pool_shrink", optional: ["n"]) { call, controls in
            let (slots, overflow) = 0.subtractingReportingOverflow(try call.integer("n", default: 1))
            guard !overflow else { throw call.valueError("n", "a number of slots") }
            try controls.resizePool(by: slots)
            return .ok("pool will shrink")
        }
        control("pool_restart", optional: ["modules", "reload", "reloader"]) { _, _ in
            throw JobFailure(type: "ValueError", arguments: ["Pool restarts not enabled"])
        }
        control("autoscale", optional: ["max", "min"], takesOthers: false) { _, _ in
            throw JobFailure(type: "ValueError", arguments: ["Autoscale not enabled"])
        }
        control("shutdown", optional: ["msg"]) { call, controls in
            controls.shutdown(call["msg"]?.stringValue ?? "Got shutdown from remote")
            return .silence
        }
    }

    mutating func addQueues() {
        control("add_consumer", required: ["queue"], optional: ["exchange", "exchange_type", "routing_key"]) { call, controls in
            let queue = try call.text("queue")
            guard !queue.isEmpty else { return .refused("ValueError('a queue has a name')") }
            guard (call["exchange_type"]?.stringValue ?? "direct") == "direct" else {
                return .refused("NotImplementedError('queues are bound to direct exchanges only')")
            }
            controls.addConsumer(queue, exchange: call["exchange"]?.stringValue, routingKey: call["routing_key"]?.stringValue)
            return .ok(.string("add consumer \(queue)"))
        }
        control("cancel_consumer", required: ["queue"]) { call, controls in
            let queue = try call.text("queue")
            controls.cancelConsumer(queue)
            return .ok(.string("no longer consuming from \(queue)"))
        }
    }
}
