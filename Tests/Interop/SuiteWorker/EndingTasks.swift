import ApiumCore
import DynamicJSON

/// Tasks that refuse their message, and one that its soft time limit ends.
extension SuiteTasks {
    mutating func registerEndingTasks() {
        task("reject_then_succeed", options: .suite { $0.acksLate = true }) { call in
            guard call.context.redelivered else { throw Reject(requeue: true) }
            return "second-pass"
        }
        task("reject_without_requeue") { _ in throw Reject("rejected", requeue: false) }
        task("store_success_then_reject", options: .suite { $0.acksLate = true }) { call in
            guard call.context.redelivered else {
                try await call.context.updateState(.success, "first-pass")
                throw Reject(requeue: true)
            }
            return "dedup-pass"
        }
        task("delayed_sum_with_soft_guard", ["numbers", .optional("pause_time", 1)]) { call in
            do {
                try await call.pause(call["pause_time"])
                return try PythonArithmetic.sum(call["numbers"])
            } catch is SoftTimeLimitExceeded {
                return 0
            }
        }
    }
}
