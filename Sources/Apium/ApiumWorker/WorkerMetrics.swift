import ApiumCore
import Metrics

/// What a worker counts. Labels are job names and queues: few.
struct WorkerMetrics: Sendable {
    /// One run ended.
    func ran(_ task: String, queue: String, _ verdict: Verdict?, for duration: Duration) {
        Counter(label: "apium_jobs_total", dimensions: [("task", task), ("queue", queue), ("outcome", outcome(verdict))]).increment()
        Timer(label: "apium_job_run_seconds", dimensions: [("task", task), ("queue", queue)]).recordNanoseconds(duration.wholeMicroseconds * 1000)
    }

    /// How many jobs are under way.
    func running(_ count: Int, of concurrency: Int) {
        Gauge(label: "apium_worker_running_jobs").record(count)
        Gauge(label: "apium_worker_concurrency").record(concurrency)
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
        case .ignored: "ignored"
        case .replaced: "replaced"
        case .requeue: "requeue"
        case .revoked: "revoked"
        case .parked: "parked"
        case nil: "abandoned"
        }
    }
}
