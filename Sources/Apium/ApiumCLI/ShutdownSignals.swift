import ApiumWorker
import Logging
import ServiceLifecycle
import UnixSignals

/// What signals do to a worker's process.
///
/// The group's services end after the worker in each case, so that its jobs find them for as long as they run.
struct ShutdownSignals: Sendable {
    let worker: Worker
    let group: ServiceGroup
    let logger: Logger

    /// SIGTERM and SIGINT stop gracefully, a second one without grace; SIGQUIT at once. Ends with its task.
    func obey() async {
        var isStopping = false
        for await signal in await UnixSignalsSequence(trapping: .sigterm, .sigint, .sigquit) {
            let shutdown: Worker.Shutdown = signal == .sigquit ? .immediately : isStopping ? .cancelling : .gracefully
            logger.notice("told to stop", metadata: ["signal": "\(signal)", "how": "\(shutdown)"])
            if !isStopping { await group.triggerGracefulShutdown() }
            isStopping = true
            worker.shutDown(shutdown)
        }
    }
}
