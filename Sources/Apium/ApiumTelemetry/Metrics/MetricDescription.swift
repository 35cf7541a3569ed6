/// What a metric means: the `HELP` line of Prometheus' format.
public struct MetricDescription: Sendable, Hashable {
    /// The name as Prometheus shows it, suffixes and all.
    public var name: String
    /// One sentence.
    public var help: String

    /// Makes a description.
    public init(_ name: String, _ help: String) {
        self.name = name
        self.help = help
    }

    /// The metrics of Apium's workers and beats.
    public static let apium = [
        MetricDescription("apium_jobs_total", "Deliveries that ended, by how: those that ran, and those that were refused, revoked or set aside."),
        MetricDescription("apium_job_wait_seconds", "From sending, or from when it was due, to the beginning of the run, by the clocks of sender and worker."),
        MetricDescription("apium_job_run_seconds", "How long runs took."),
        MetricDescription("apium_job_end_to_end_seconds", "From sending, or from when it was due, to the end of the run."),
        MetricDescription("apium_worker_ready", "Whether the worker is connected, claims jobs and is not stopping: 1 or 0."),
        MetricDescription("apium_worker_running_jobs", "Jobs under way in this worker."),
        MetricDescription("apium_worker_concurrency", "Jobs that may run at once in this worker."),
        MetricDescription("apium_workers", "Registered workers; shown by the worker on duty."),
        MetricDescription("apium_queue_length", "Messages that wait in a queue, all priorities together; shown by the worker on duty."),
        MetricDescription(
            "apium_queue_oldest_seconds",
            "How long the message that is claimed next has been waiting; shown by the worker on duty, where the sender says a time."),
        MetricDescription("apium_held_jobs", "Jobs that limits and pauses hold back beside their queues; shown by the worker on duty."),
        MetricDescription("apium_scheduled_jobs", "Jobs that wait for their time; shown by the worker on duty."),
        MetricDescription("apium_shelf_jobs", "Jobs that were set aside: dead, parked, quarantine; shown by the worker on duty."),
        MetricDescription("apium_promoted_jobs_total", "Jobs whose time had come and that this worker moved to their queues."),
        MetricDescription("apium_reaped_jobs_total", "Jobs of lost workers that this worker returned."),
        MetricDescription("apium_restored_deliveries_total", "Deliveries of Celery's workers past their visibility timeout that this worker restored."),
        MetricDescription("apium_quarantined_jobs_total", "Jobs that this worker quarantined because they had taken too many workers down."),
        MetricDescription("apium_beat_slots_total", "Slots of the schedule that this beat decided, by outcome."),
        MetricDescription("apium_beat_lateness_seconds", "How long after their time slots fired."),
    ]

    /// What every process shows of itself, by name.
    static let process = [
        "process_cpu_seconds_total": "Processor time, user and system, in seconds.",
        "process_resident_memory_bytes": "Memory that is in use, in bytes.",
        "process_start_time_seconds": "When the process began, in seconds since 1970.",
        "process_threads": "Threads of the process.",
        "process_open_fds": "Open file descriptors.",
    ]
}
