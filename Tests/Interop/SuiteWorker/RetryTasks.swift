import ApiumCore
import DynamicJSON
import Synchronization

/// Tasks that ask to be run again.
extension SuiteTasks {
    mutating func registerRetryTasks() {
        registerAlwaysRetrying()
        registerRetryingWithOtherArguments()
        registerRetryingOnce()
        let policy = RetryPolicy.autoretry(maxRetries: 1, backoff: 1) { ($0 as? JobFailure)?.type == "ValueError" }
        registry.register("auto_retry_class_task", options: .suite { $0.retry = policy }) { _, context in
            guard context.retries > 0 else { throw JobFailure(type: "ValueError") }
            return .int(Int64(context.retries))
        }
    }

    private mutating func registerAlwaysRetrying() {
        let attempts = Attempts()
        task("retry", [.optional("return_value")], options: .suite { $0.retryDelay = .seconds(1) }) { call in
            let value = call["return_value"]
            if PythonArithmetic.isTrue(value), attempts.areEnough() { return value }
            throw Retry(after: .seconds(5), reason: JobFailure.ofSuite("ExpectedException"))
        }
        task(
            "retry_unpickleable", Parameters(["foo", "bar"], keywordOnly: ["retry_kwargs"]), options: .suite { $0.retryDelay = .seconds(1) }
        ) { call in
            let asked = call["retry_kwargs"]
            let reason = JobFailure.ofSuite("UnpickleableException", [call["foo"]])
            let delay = asked["countdown"].flatMap(\.doubleValue).map { Duration.seconds($0) }
            guard let limit = asked["max_retries"] else { throw Retry(after: delay, reason: reason) }
            throw Retry(after: delay, maxRetries: limit.intValue.map(Int.init), reason: reason)
        }
    }

    private mutating func registerRetryingWithOtherArguments() {
        task("retry_with_args_after_kwargs", ["foo", "bar", .optional("label")], options: .suite { $0.maxRetries = 1 }) { call in
            guard call.context.retries > 0 else {
                throw Retry(after: .zero, args: [try PythonArithmetic.add(call["foo"], 1), try PythonArithmetic.add(call["bar"], 1)])
            }
            return call.report(["foo": call["foo"], "bar": call["bar"], "label": call["label"]])
        }
        task("retry_with_kwargs_after_args", ["foo", "bar"], options: .suite { $0.maxRetries = 1 }) { call in
            guard call.context.retries > 0 else { throw Retry(after: .zero, kwargs: ["foo": try PythonArithmetic.add(call["foo"], 1)]) }
            return call.report(["foo": call["foo"], "bar": call["bar"]])
        }
    }

    private mutating func registerRetryingOnce() {
        let once: [Parameter] = [.optional("max_retries", 1), .optional("countdown", 0.1)]
        let options = JobOptions.suite { $0.maxRetries = 1 }
        task("retry_once", Parameters(rest: true, keywordOnly: once + [.optional("expires")]), options: options) { call in
            guard call.context.retries > 0 else { throw call.onceMore(expires: call["expires"]) }
            return .int(Int64(call.context.retries))
        }
        task("retry_once_priority", Parameters(rest: true, keywordOnly: once + [.optional("expires", 60.0)]), options: options) { call in
            guard call.context.retries > 0 else { throw call.onceMore() }
            return .int(Int64(call.context.message.properties.priority))
        }
        task("retry_once_headers", Parameters(rest: true, keywordOnly: once), options: options) { call in
            guard call.context.retries > 0 else { throw call.onceMore() }
            let headers = call.context.message.headers.custom
            return headers.isEmpty ? .null : .object(headers)
        }
        for (name, ignored) in [("retry_once_ignore_result", true), ("retry_once_with_result", false)] {
            task(name, options: .suite { $0.ignoreResult = ignored }) { call in
                guard call.context.retries > 0 else { throw Retry(after: .zero) }
                return .int(Int64(call.context.retries))
            }
        }
    }
}

/// How often the task `retry` has run in this process: Python counts on the task object, not per id.
private final class Attempts: Sendable {
    private let count = Mutex(0)

    /// Counts a run; true for the fourth, which starts anew.
    func areEnough() -> Bool {
        count.withLock { count in
            guard count >= 3 else {
                count += 1
                return false
            }
            count = 0
            return true
        }
    }
}

extension SuiteCall {
    /// What the tasks with changed arguments answer.
    fileprivate func report(_ members: [String: JSONValue]) -> JSONValue {
        .object(members.merging(["retries": .int(Int64(context.retries)), "is_eager": false]) { $1 })
    }

    /// A retry with the limit and the delay that the call names.
    fileprivate func onceMore(expires: JSONValue = .null) -> Retry {
        let options = EnqueueOptions.with { $0.expires = expires.doubleValue.map { .seconds($0) } }
        return Retry(after: self["countdown"].doubleValue.map { .seconds($0) }, maxRetries: self["max_retries"].intValue.map(Int.init), options: options)
    }
}
