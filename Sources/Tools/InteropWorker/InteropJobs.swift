import ApiumCore
import DynamicJSON
import Foundation
import Logging

/// Adds two numbers; positional arguments are taken too.
struct Add: Job {
    static let name = "interop.add"
    static let parameters = ["x", "y"]
    var x: Int64
    var y: Int64

    func run(in context: JobContext) async throws -> Int64 { x + y }
}

/// Fails with an error that Python sees as a `ValueError`.
struct Fail: Job {
    static let name = "interop.fail"
    static let parameters = ["message"]
    var message: String

    func run(in context: JobContext) async throws -> NoOutput {
        throw JobFailure(type: "ValueError", arguments: [.string(message)])
    }
}

/// Asks to be run again until it has been retried `times` times; answers how often it was.
struct Flaky: Job {
    static let name = "interop.flaky"
    var times: Int
    var delay: Double

    func run(in context: JobContext) async throws -> Int {
        guard context.retries >= times else {
            throw Retry(after: .seconds(delay), maxRetries: nil, reason: JobFailure(type: "OSError", arguments: ["not yet"]))
        }
        return context.retries
    }
}

/// Fails each time, and is retried by its policy.
struct Stubborn: Job {
    static let name = "interop.stubborn"
    static let options = JobOptions(retry: .fixed(attempts: 3, delay: .milliseconds(100)))

    func run(in context: JobContext) async throws -> NoOutput {
        throw JobFailure(type: "RuntimeError", arguments: [.string("attempt \(context.retries)")])
    }
}

/// Takes its time, and answers when it began: seconds since 1970.
struct Nap: Job {
    static let name = "interop.nap"
    static let parameters = ["seconds"]
    var seconds: Double

    func run(in context: JobContext) async throws -> Double {
        let began = Date().timeIntervalSince1970
        try await Task.sleep(for: .seconds(seconds))
        return began
    }
}

/// Writes two lines: by its own logger, and by one that knows nothing of jobs.
struct Write: Job {
    static let name = "interop.write"
    static let parameters = ["text"]
    var text: String

    func run(in context: JobContext) async throws -> NoOutput {
        context.logger.info("own: \(text)")
        Logger(label: "library").info("other: \(text)")
        return NoOutput()
    }
}

/// The same in a child process.
struct IsolatedWrite: Job {
    static let name = "isolated.write"
    static let parameters = ["text"]
    static let options = JobOptions(isolated: true)
    var text: String

    func run(in context: JobContext) async throws -> NoOutput { try await Write(text: text).run(in: context) }
}

extension JobRegistry {
    /// Registers all jobs of this program.
    mutating func registerInteropJobs() {
        register(Add.self)
        register(Fail.self)
        register(Flaky.self)
        register(Stubborn.self)
        register(Nap.self)
        register(Write.self)
        register(IsolatedWrite.self)
        IsolatedJobs.register(in: &self)
        FaultJobs.register(in: &self)
        // Whatever JSON comes is given back unchanged.
        register("interop.echo") { arguments, _ in .array([.array(arguments.args), .object(arguments.kwargs)]) }
        register("interop.request") { _, context in
            ["id": .string(context.id), "retries": .int(Int64(context.retries)), "queue": .string(context.queue), "redelivered": .bool(context.redelivered)]
        }
    }
}
