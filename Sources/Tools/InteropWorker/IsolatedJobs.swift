import ApiumCore
import DynamicJSON
import Foundation
import Synchronization

/// Jobs that run in child processes, and do there what no job should.
enum IsolatedJobs {
    /// What ``allocate`` holds on to.
    private static let ballast = Mutex<[[UInt8]]>([])
    private static let isolated = JobOptions(isolated: true)

    static func register(in registry: inout JobRegistry) {
        registerCrashes(in: &registry)
        registerNuisances(in: &registry)
        registerSpeakers(in: &registry)
    }

    private static var pid: JSONValue { .int(Int64(getpid())) }

    private static func registerCrashes(in registry: inout JobRegistry) {
        for (name, options) in [("isolated.die", isolated), ("interop.die", JobOptions())] {
            // Ends its process by a signal, so many runs in a row; a backtrace of each would only be noise.
            registry.register(name, options: options) { arguments, context in
                guard context.message.crashes < Int(arguments.kwargs["times"]?.intValue ?? 1_000) else { return pid }
                let number = Int32(arguments.kwargs["signal"]?.intValue ?? Int64(SIGKILL))
                signal(number, SIG_DFL)
                kill(getpid(), number)
                try await Task.sleep(for: .seconds(60))
                return pid
            }
        }
        registry.register("isolated.die_unrepeated", options: JobOptions(rejectOnWorkerLost: false, isolated: true)) { _, _ in
            kill(getpid(), SIGKILL)
            return .null
        }
        registry.register("isolated.die_acknowledged", options: JobOptions(acksLate: false, isolated: true)) { _, _ in
            kill(getpid(), SIGKILL)
            return .null
        }
        registry.register("isolated.exit", options: JobOptions(rejectOnWorkerLost: false, isolated: true)) { arguments, _ in
            exit(Int32(arguments.kwargs["code"]?.intValue ?? 0))
        }
    }

    private static func registerNuisances(in registry: inout JobRegistry) {
        // Takes every thread of the pool and never gives one back.
        registry.register("isolated.stick", options: JobOptions(isolated: true, trackStarted: true)) { _, _ in
            await withTaskGroup(of: Void.self) { group in
                for _ in 0..<64 { group.addTask { while true { usleep(1_000) } } }
            }
            return .null
        }
        registry.register("isolated.allocate", options: isolated) { arguments, _ in
            let size = Int(arguments.kwargs["mebibytes"]?.intValue ?? 1) << 20
            ballast.withLock { $0.append([UInt8](repeating: 1, count: size)) }
            return pid
        }
        registry.register("isolated.flood", options: isolated) { arguments, _ in
            let line = String(repeating: "x", count: 1_000) + "\n"
            for _ in 0..<Int(arguments.kwargs["lines"]?.intValue ?? 1) {
                FileHandle.standardOutput.write(Data(line.utf8))
                FileHandle.standardError.write(Data(line.utf8))
            }
            return pid
        }
        // Leaves a program behind that would outlive it.
        registry.register("isolated.litter", options: isolated) { _, _ in
            guard let pipe = popen("sleep 300 >/dev/null 2>&1 </dev/null & echo $!", "r") else { throw JobFailure(type: "OSError") }
            var line = [CChar](repeating: 0, count: 32)
            let isRead = fgets(&line, Int32(line.count), pipe) != nil
            pclose(pipe)
            guard isRead, let child = Int64(String(decoding: line.prefix { $0 > 32 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)) else {
                throw JobFailure(type: "OSError")
            }
            return ["child": .int(child), "pid": pid]
        }
    }

    /// So deep, or so long, as the arguments say.
    private static func extreme(_ arguments: TaskArguments) -> JSONValue {
        let levels = arguments.kwargs["levels"]?.intValue ?? 0
        let size = Int(arguments.kwargs["mebibytes"]?.intValue ?? 0) << 20
        return (0..<levels).reduce(.string(String(repeating: "x", count: size))) { value, _ in [value] }
    }

    /// What kind of fault it is.
    private static func fault(_ body: () async throws -> Void) async throws -> JSONValue {
        do {
            try await body()
            return .null
        } catch let error as ApiumError {
            return .string(error.code.rawValue)
        }
    }

    private static func registerSpeakers(in registry: inout JobRegistry) {
        registry.register("isolated.report", options: isolated) { arguments, context in
            try await fault { try await context.updateState("PROGRESS", extreme(arguments)) }
        }
        registry.register("isolated.tell", options: isolated) { arguments, context in
            try await fault { _ = try await context.send(Signature("interop.add", args: [extreme(arguments)], options: ["queue": .string(context.queue)])) }
        }
        registry.register("isolated.pid", options: isolated) { _, _ in pid }
        registry.register("interop.pid") { _, _ in pid }
        registry.register("isolated.nap", options: JobOptions(isolated: true, trackStarted: true)) { arguments, _ in
            try await Task.sleep(for: .seconds(arguments.kwargs["seconds"]?.doubleValue ?? 1))
            return pid
        }
        registry.register("isolated.echo", options: isolated) { arguments, _ in .array([.array(arguments.args), .object(arguments.kwargs)]) }
        registry.register("isolated.fail", options: JobOptions(retry: .fixed(attempts: 2, delay: .milliseconds(50)), isolated: true)) { _, context in
            throw JobFailure(type: "ValueError", arguments: [.string("run \(context.retries)")])
        }
        registry.register("isolated.retry", options: isolated) { _, context in
            guard context.retries > 0 else { throw Retry(after: .milliseconds(20), kwargs: ["again": true]) }
            return ["retries": .int(Int64(context.retries)), "kwargs": .object(try context.message.arguments().kwargs)]
        }
        registry.register("isolated.progress", options: isolated) { _, context in
            try await context.updateState("PROGRESS", ["done": 1])
            try await context.sleep(for: .milliseconds(500))
            return .string(try await context.enqueue(Add(x: 1, y: 2), .with { $0.queue = context.queue }))
        }
        registry.register("isolated.send", options: isolated) { _, context in
            let signature = Signature("interop.add", args: [40, 2], options: ["queue": .string(context.queue)])
            return try await context.send(signature)?.json ?? .null
        }
        registry.register("isolated.replace", options: isolated) { _, context in
            try await context.replace(with: Signature("interop.add", args: [40, 2], options: ["queue": .string(context.queue)]))
        }
        registry.register("isolated.soft", options: JobOptions(softTimeLimit: .milliseconds(300), isolated: true)) { _, context in
            do {
                try await context.sleep(for: .seconds(60))
            } catch is SoftTimeLimitExceeded {
                return "cleaned up"
            }
            return "slept"
        }
    }
}
