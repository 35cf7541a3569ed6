import ApiumCore
import DynamicJSON

/// Tells whoever watches that the worker is there: Celery's `worker-online`, `worker-heartbeat` and `worker-offline`.
struct Heartbeat: Sendable {
    let sink: EventSink
    let status: WorkerStatus
    let interval: Duration

    /// Beats until the task is cancelled.
    func run() async {
        send("worker-online")
        while !Task.isCancelled {
            send("worker-heartbeat")
            try? await Task.sleep(for: interval)
        }
    }

    /// Sends one of the worker's own events with how it is.
    func send(_ type: String) {
        let averages = ProcessUsage.loadAverages.map { JSONValue.double(($0 * 100).rounded() / 100) }
        sink.send(
            sink.event(
                type,
                [
                    "freq": .double(interval.inSeconds), "active": .int(Int64(status.session?.running.count ?? 0)), "processed": .int(Int64(status.processed)),
                    "loadavg": .array(averages), "sw_ident": .string(SoftwareIdentity.name), "sw_ver": .string(SoftwareIdentity.version),
                    "sw_sys": .string(SoftwareIdentity.system),
                ]))
    }
}

/// What the worker is called in events and reports.
enum SoftwareIdentity {
    static let name = "apium"
    static let version = "0.1.0"
    /// The release of Celery whose protocol this is.
    static let celeryVersion = "5.7.0"
    #if os(Linux)
        static let system = "Linux"
    #else
        static let system = "Darwin"
    #endif
}
