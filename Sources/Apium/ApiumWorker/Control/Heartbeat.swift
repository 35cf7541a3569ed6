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
        send("worker-heartbeat")
        while (try? await Task.sleep(for: interval)) != nil {
            await sink.sendInPassing(event("worker-heartbeat"), within: min(interval / 3, Self.haste))
        }
    }

    /// How long a heartbeat may wait for a renewal of the lease to go with: a little longer than from one to the next by default. Whoever watches
    /// takes a worker for gone after two intervals at the earliest.
    private static let haste = Duration.milliseconds(1600)

    /// Sends one of the worker's own events with how it is.
    func send(_ type: String) { sink.send(event(type)) }

    private func event(_ type: String) -> WorkerEvent {
        let averages = ProcessUsage.loadAverages.map { JSONValue.double(($0 * 100).rounded() / 100) }
        return sink.event(
            type,
            [
                "freq": .double(interval.inSeconds), "active": .int(Int64(status.session?.running.count ?? 0)), "processed": .int(Int64(status.processed)),
                "loadavg": .array(averages), "sw_ident": .string(SoftwareIdentity.name), "sw_ver": .string(SoftwareIdentity.version),
                "sw_sys": .string(SoftwareIdentity.system),
            ])
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
