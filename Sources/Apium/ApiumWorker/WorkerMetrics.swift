import ApiumCore
import Metrics
import Synchronization

/// What a worker counts. Labels are job names and queues: few, so that what counts them is made once and kept.
final class WorkerMetrics: Sendable {
    private struct Place: Hashable {
        var task: String
        var queue: String
    }

    private struct Meters {
        var timer: Timer
        var outcomes: [String: Counter] = [:]
    }

    private struct State {
        var meters: [Place: Meters] = [:]
        var gauges: (running: Gauge, concurrency: Gauge)?
    }

    private let state = Mutex(State())

    /// One run ended.
    func ran(_ task: String, queue: String, _ verdict: Verdict?, for duration: Duration) {
        let (counter, timer) = meters(Place(task: task, queue: queue), outcome(verdict))
        counter.increment()
        timer.recordNanoseconds(duration.wholeMicroseconds * 1000)
    }

    private func meters(_ place: Place, _ outcome: String) -> (Counter, Timer) {
        state.withLock { state in
            if let known = state.meters[place], let counter = known.outcomes[outcome] { return (counter, known.timer) }
            let labels = [("task", place.task), ("queue", place.queue)]
            var meters = state.meters[place] ?? Meters(timer: Timer(label: "apium_job_run_seconds", dimensions: labels))
            let counter = Counter(label: "apium_jobs_total", dimensions: labels + [("outcome", outcome)])
            meters.outcomes[outcome] = counter
            state.meters[place] = meters
            return (counter, meters.timer)
        }
    }

    /// How many jobs are under way.
    func running(_ count: Int, of concurrency: Int) {
        let gauges = state.withLock { state in
            let gauges = state.gauges ?? (Gauge(label: "apium_worker_running_jobs"), Gauge(label: "apium_worker_concurrency"))
            state.gauges = gauges
            return gauges
        }
        gauges.running.record(count)
        gauges.concurrency.record(concurrency)
    }

    /// What a round of maintenance did.
    func maintained(_ report: MaintenanceReport) {
        if report.promoted > 0 { Counter(label: "apium_promoted_jobs_total").increment(by: Int64(report.promoted)) }
        if report.reaped > 0 { Counter(label: "apium_reaped_jobs_total").increment(by: Int64(report.reaped)) }
        if report.restored > 0 { Counter(label: "apium_restored_deliveries_total").increment(by: Int64(report.restored)) }
        if report.quarantined > 0 { Counter(label: "apium_quarantined_jobs_total").increment(by: Int64(report.quarantined)) }
    }

    private func outcome(_ verdict: Verdict?) -> String {
        switch verdict {
        case .success, .succeededBefore: "success"
        case .failure: "failure"
        case .lost: "lost"
        case .quarantined: "quarantined"
        case .retry: "retry"
        case .snooze, .notDue: "snooze"
        case .passedOn: "passed_on"
        case .ignored: "ignored"
        case .replaced: "replaced"
        case .requeue: "requeue"
        case .revoked: "revoked"
        case .parked: "parked"
        case nil: "abandoned"
        }
    }
}
