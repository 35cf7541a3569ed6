import ApiumCore
import Metrics
import Synchronization

/// What a worker counts and measures: nothing where the program has no metrics backend.
///
/// Labels are the names of registered jobs and of served queues. A name that only a message brings is counted as ``unknownTask``: whoever may
/// send messages must not be able to make series. What counts is made once for each job and queue, and kept.
final class WorkerMetrics: Sendable {
    /// The label of jobs that this worker does not know.
    static let unknownTask = "(unknown)"

    /// Whether anybody counts.
    let isOn = !(MetricsSystem.factory is NOOPMetricsHandler)

    private struct Place: Hashable {
        var task: String
        var queue: String
    }

    private let meters = Mutex<[Place: JobMeters]>([:])
    private let duties: DutyMeters?

    init() { duties = isOn ? DutyMeters() : nil }

    /// A run ended: of a job that began at this time, on the worker's clock.
    func ran(_ job: Assignment, _ verdict: Verdict?, began: Timestamp, for ran: Duration) {
        guard isOn else { return }
        meters(job.message.task, job.delivery.queue).ran(JobOutcome(verdict), since: job.message.readySince, began: began, for: ran)
    }

    /// A delivery ended without a run.
    func ended(_ job: Assignment, isKnown: Bool, _ verdict: Verdict) {
        guard isOn else { return }
        meters(isKnown ? job.message.task : Self.unknownTask, job.delivery.queue).count(JobOutcome(verdict))
    }

    /// A message that cannot be read was set aside.
    func parked(from queue: String) {
        guard isOn else { return }
        meters(Self.unknownTask, queue).count(.parked)
    }

    private func meters(_ task: String, _ queue: String) -> JobMeters {
        meters.withLock { meters in
            let place = Place(task: task, queue: queue)
            if let known = meters[place] { return known }
            let made = JobMeters(labels: [("task", task), ("queue", queue)])
            meters[place] = made
            return made
        }
    }

    /// What a round of maintenance did.
    func maintained(_ report: MaintenanceReport) { duties?.count(report) }
}

/// What is counted of the shared duties: shown from the beginning, so that the first one is an increase.
private struct DutyMeters: Sendable {
    private let promoted = Counter(label: "apium_promoted_jobs_total")
    private let reaped = Counter(label: "apium_reaped_jobs_total")
    private let restored = Counter(label: "apium_restored_deliveries_total")
    private let quarantined = Counter(label: "apium_quarantined_jobs_total")

    func count(_ report: MaintenanceReport) {
        if report.promoted > 0 { promoted.increment(by: report.promoted) }
        if report.reaped > 0 { reaped.increment(by: report.reaped) }
        if report.restored > 0 { restored.increment(by: report.restored) }
        if report.quarantined > 0 { quarantined.increment(by: report.quarantined) }
    }
}

/// What is counted of the jobs of one name from one queue.
private final class JobMeters: Sendable {
    private let labels: [(String, String)]
    private let wait: Timer
    private let run: Timer
    private let whole: Timer
    /// By outcome; one that has not come yet is not shown, except those that alerts divide by.
    private let counters: Mutex<[Counter?]>

    init(labels: [(String, String)]) {
        self.labels = labels
        wait = Timer(label: "apium_job_wait_seconds", dimensions: labels)
        run = Timer(label: "apium_job_run_seconds", dimensions: labels)
        whole = Timer(label: "apium_job_end_to_end_seconds", dimensions: labels)
        let shown: Set<JobOutcome> = [.success, .failure, .retry]
        counters = Mutex(JobOutcome.allCases.map { shown.contains($0) ? Self.counter($0, labels) : nil })
    }

    func ran(_ outcome: JobOutcome, since due: Timestamp?, began: Timestamp, for ran: Duration) {
        count(outcome)
        run.recordNanoseconds(ran.wholeMicroseconds * 1000)
        guard let due else { return }
        // The sender's clock may be ahead of ours.
        let waited = max(0, began.microseconds - due.microseconds)
        wait.recordNanoseconds(waited * 1000)
        whole.recordNanoseconds((waited + ran.wholeMicroseconds) * 1000)
    }

    func count(_ outcome: JobOutcome) {
        let counter = counters.withLock { counters in
            if let known = counters[outcome.rawValue] { return known }
            let made = Self.counter(outcome, labels)
            counters[outcome.rawValue] = made
            return made
        }
        counter.increment()
    }

    private static func counter(_ outcome: JobOutcome, _ labels: [(String, String)]) -> Counter {
        Counter(label: "apium_jobs_total", dimensions: labels + [("outcome", outcome.label)])
    }
}

/// The label `outcome` of ``WorkerMetrics``.
enum JobOutcome: Int, CaseIterable {
    case success, failure, retry, lost, quarantined, snooze, passedOn, ignored, replaced, requeue, revoked, parked, abandoned

    init(_ verdict: Verdict?) {
        self =
            switch verdict {
            case .success, .succeededBefore: .success
            case .failure: .failure
            case .lost: .lost
            case .quarantined: .quarantined
            case .retry: .retry
            case .snooze, .notDue: .snooze
            case .passedOn: .passedOn
            case .ignored: .ignored
            case .replaced: .replaced
            case .requeue: .requeue
            case .revoked: .revoked
            case .parked: .parked
            case nil: .abandoned
            }
    }

    /// As it is written.
    var label: String { self == .passedOn ? "passed_on" : "\(self)" }
}
