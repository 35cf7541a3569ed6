import ApiumCore
import DynamicJSON
import Logging

/// The tasks that Celery's suite calls, as they are collected: section by section, one file each.
struct SuiteTasks {
    /// The module of the suite's tasks and exceptions in Python.
    static let module = "t.integration.tasks"

    /// What has been registered so far.
    var registry = JobRegistry()
    /// Where some tasks leave marks for their test.
    let marks: SideChannel
    /// For errbacks, which have no job to log for.
    let logger: Logger

    /// Registers everything.
    static func registry(marks: SideChannel, logger: Logger) -> JobRegistry {
        var tasks = SuiteTasks(marks: marks, logger: logger)
        tasks.registerPlainTasks()
        tasks.registerMarkingTasks()
        tasks.registerRequestTasks()
        tasks.registerRetryTasks()
        tasks.registerCanvasTasks()
        tasks.registerReplacingTasks()
        tasks.registerErrbackTasks()
        tasks.registerEndingTasks()
        tasks.registerControlCommands()
        tasks.registerMatrixTasks()
        return tasks.registry
    }

    /// Registers a task, of the suite's module unless another is named, with the parameters of its Python function.
    mutating func task(
        _ name: String, _ parameters: Parameters = [], in module: String = Self.module, options: JobOptions = .suite, errback: ErrbackStyle = .task,
        run: @escaping @Sendable (SuiteCall) async throws -> JSONValue
    ) {
        registry.register("\(module).\(name)", options: options, parameters: parameters.positional.map(\.name), errback: errback) { arguments, context in
            try await run(SuiteCall(arguments: parameters.bind(arguments, to: name), context: context))
        }
    }
}

/// One call of a task.
struct SuiteCall: Sendable {
    /// The arguments, bound to the parameters.
    var arguments: BoundArguments
    /// The running job.
    var context: JobContext

    /// The value of a parameter.
    subscript(name: String) -> JSONValue { arguments[name] }
}

extension JobOptions {
    /// Celery's defaults: acknowledged before the run.
    static let suite = JobOptions(acksLate: false)

    /// The suite's defaults with a change.
    static func suite(_ change: (inout JobOptions) -> Void) -> JobOptions {
        var options = JobOptions.suite
        change(&options)
        return options
    }
}

extension JobFailure {
    /// An exception of the suite's own module.
    static func ofSuite(_ type: String, _ arguments: [JSONValue] = []) -> JobFailure {
        JobFailure(type: type, arguments: arguments, module: SuiteTasks.module)
    }
}
