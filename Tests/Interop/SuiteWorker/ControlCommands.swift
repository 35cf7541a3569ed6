import ApiumCore
import DynamicJSON

extension SuiteTasks {
    /// The remote control commands of the suite's module.
    mutating func registerControlCommands() {
        // Called without a reply; whatever it does to the worker, it answers pings afterwards.
        registry.registerControlCommand("pidbox_reset_error") { _, _ in
            throw JobFailure(type: "RuntimeError", arguments: ["pidbox reset"])
        }
        registry.registerControlCommand("schedule_add_then_cancel_consumer") { arguments, worker in
            guard let queue = arguments["queue"]?.stringValue else { throw JobFailure(type: "TypeError", arguments: ["queue is missing"]) }
            worker.addConsumer(queue)
            worker.cancelConsumer(queue)
            return ["scheduled": .string(queue)]
        }
        registry.registerControlCommand("pending_operations_count") { _, worker in .int(Int64(worker.pendingOperations)) }
    }
}
