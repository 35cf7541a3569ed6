import ApiumCore
import DynamicJSON
import Foundation

/// Jobs for the tests of faults: each run notes in a file what happens to it, a line at a time.
enum FaultJobs {
    static func register(in registry: inout JobRegistry) {
        // Waits as a good job does: it ends when it is told to. A run that is no first one may take another time.
        registry.register("faults.wait") { arguments, context in
            let notes = try Notes(arguments, context)
            notes.write("began")
            let seconds = (context.redelivered ? arguments.kwargs["again"] : nil) ?? arguments.kwargs["seconds"]
            do {
                try await Task.sleep(for: .seconds(seconds?.doubleValue ?? 0))
            } catch {
                notes.write("cancelled")
                throw error
            }
            notes.write("ended")
            return .int(context.fence)
        }
        // Does not give its thread back, whatever it is told.
        registry.register("faults.block") { arguments, context in
            let notes = try Notes(arguments, context)
            notes.write("began")
            let end = ContinuousClock.now + .seconds(arguments.kwargs["seconds"]?.doubleValue ?? 0)
            while ContinuousClock.now < end { usleep(1_000) }
            notes.write("ended")
            return .int(context.fence)
        }
        // Takes its process down, in which others run.
        registry.register("faults.poison") { arguments, context in
            try Notes(arguments, context).write("began")
            kill(getpid(), SIGKILL)
            try await Task.sleep(for: .seconds(60))
            return .null
        }
        registry.register("faults.early", options: JobOptions(acksLate: false)) { arguments, context in
            try Notes(arguments, context).write("began")
            try await Task.sleep(for: .seconds(arguments.kwargs["seconds"]?.doubleValue ?? 0))
            return .null
        }
        guard ProcessInfo.processInfo.environment["INTEROP_NEW_RELEASE"] != nil else { return }
        registry.register("faults.new") { arguments, context in
            try Notes(arguments, context).write("ended")
            return .null
        }
    }

    /// The file of a job's argument `notes`.
    private struct Notes {
        let path: String
        let line: String

        init(_ arguments: TaskArguments, _ context: JobContext) throws {
            guard let path = arguments.kwargs["notes"]?.stringValue else { throw JobFailure(type: "KeyError", arguments: ["notes"]) }
            self.path = path
            line = "\(context.id) \(context.fence) \(getpid())"
        }

        /// One write, so that lines of several processes don't mix.
        func write(_ word: String) {
            let descriptor = open(path, O_WRONLY | O_APPEND | O_CREAT, 0o644)
            guard descriptor >= 0 else { return }
            let text = Array("\(word) \(line)\n".utf8)
            _ = Foundation.write(descriptor, text, text.count)
            close(descriptor)
        }
    }
}
