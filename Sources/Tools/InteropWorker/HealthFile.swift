import ApiumWorker
import Foundation
import ServiceLifecycle

/// Writes what the worker says about itself to a file whenever it changes: `ready`, or why not.
struct HealthFile: Service {
    let path: String
    let worker: Worker

    func run() async throws {
        try await cancelWhenGracefulShutdown {
            var last: String?
            while !Task.isCancelled {
                let health = worker.health
                let text = health.isReady ? "ready" : "not ready: \(health.reason ?? "no reason")"
                if text != last { try Data(text.utf8).write(to: URL(filePath: path), options: .atomic) }
                last = text
                try? await Task.sleep(for: .milliseconds(20))
            }
        }
    }
}
