import Apium
import ApiumCLI
import ApiumCore
import DynamicJSON
import Logging
import RedisClient
import ServiceLifecycle

/// A worker with the jobs of the benchmarks; Tests/Benchmarks/tasks.py has the same for Celery.
@main
struct BenchWorker {
    static func main() async { await WorkerCommand<BenchApplication>.main() }
}

/// The worker's jobs; settings are the command line's.
struct BenchApplication: WorkerApplication {
    let setup = ProcessSetup(logger: Logger(label: "bench-worker", factory: { StreamLogHandler.standardError(label: $0) }))

    func prepare(_ connection: ApiumConnection) async throws -> PreparedWorker {
        // What the jobs push and count is on the broker, through a connection of its own.
        let redis = RedisClient(connection.broker.configuration, logger: setup.logger)
        return PreparedWorker(registry: BenchJobs.registry(redis), services: [ClosingService(redis: redis)])
    }
}

/// The jobs: nothing, a wait, a count, an answer on a list, and a short piece of work that says when it began and ended.
enum BenchJobs {
    static func registry(_ redis: RedisClient) -> JobRegistry {
        var registry = JobRegistry()
        registry.register("bench.noop", parameters: ["i", "payload"]) { _, _ in .null }
        registry.register("bench.sleep", parameters: ["seconds"]) { arguments, context in
            guard let seconds = arguments.args.first?.doubleValue, seconds >= 0 else { throw missing("seconds", "a number, 0 or more") }
            try await context.sleep(for: .seconds(seconds))
            return .null
        }
        registry.register("bench.count", parameters: ["key"]) { arguments, _ in
            guard let key = arguments.args.first?.stringValue else { throw missing("key", "a text") }
            return .int(Int64(try await redis.send(RedisCommand("INCR", key)).asInt()))
        }
        registry.register("bench.echo", parameters: ["message", "key"]) { arguments, _ in
            guard arguments.args.count == 2, let message = arguments.args[0].stringValue, let key = arguments.args[1].stringValue else {
                throw missing("message, key", "two texts")
            }
            // On the job's own thread, as Celery's does.
            try await redis.sendPromptly(RedisCommand("RPUSH", key, message)).checked()
            return .null
        }
        // What Tests/Benchmarks/compare kills workers in.
        registry.register("bench.step", parameters: ["i", "payload"]) { arguments, context in
            guard let index = arguments.args.first?.intValue else { throw missing("i", "a number") }
            try await redis.send(RedisCommand("RPUSH", "started", String(index)))
            try await context.sleep(for: .milliseconds(20))
            try await redis.send(RedisCommand("RPUSH", "ended", String(index)))
            return .null
        }
        return registry
    }

    private static func missing(_ what: String, _ kind: String) -> JobFailure {
        JobFailure(type: "TypeError", arguments: [.string("positional arguments expected: \(what) (\(kind))")])
    }
}

/// Closes the jobs' connection when the worker has stopped.
private struct ClosingService: Service {
    let redis: RedisClient

    func run() async throws {
        try? await gracefulShutdown()
        await redis.shutdown()
    }
}
