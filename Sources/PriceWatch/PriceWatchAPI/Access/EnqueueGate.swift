import DynamicJSON
import PriceWatchJobs
import PriceWatchModel

/// Decides what a caller may enqueue, at every door of the API that leads to a queue: by name, and by an entry of the schedule.
///
/// A refusal says what was refused and what the caller's own list allows, and nothing of other callers.
struct EnqueueGate: Sendable {
    var catalog: JobCatalog

    /// Where in a request the job and its queue stand.
    struct Fields: Sendable {
        var job: String
        var queue: String

        static let request = Fields(job: "task", queue: "options.queue")
        static let definition = Fields(job: "definition.task", queue: "definition.options.queue")
        static let entry = Fields(job: "name", queue: "name")
    }

    /// Refuses a job, or a queue that is named for it.
    ///
    /// Notifications are the bot's, whatever a list says: their texts go to chats as they are, and a job of another name would only be
    /// parked in their queue.
    func check(job: String, queue: String?, by caller: Caller, at fields: Fields) throws(APIError) {
        let allowance = caller.allowance
        guard job != Notify.name, allowance.admits(job: job) else {
            throw APIError(.forbidden, "this token may not enqueue '\(job.prefix(200))'; \(Self.allowed(allowance.jobs.map(\.text)))", field: fields.job)
        }
        guard let queue, queue != catalog[job]?.queue else { return }
        guard queue != Queues.notifications, allowance.admits(queue: queue) else {
            throw APIError(
                .forbidden,
                "this token may not choose the queue '\(queue.prefix(200))'; \(Self.allowed(allowance.queues.map(\.text))). Without a queue the job goes to its own",
                field: fields.queue)
        }
    }

    /// Refuses what a request may not enqueue.
    func check(_ request: JobRequest, by caller: Caller) throws(APIError) {
        try check(job: request.task, queue: request.options?.queue, by: caller, at: .request)
        // The id of a notification's job says that it was sent: nobody else may take it.
        if let id = request.options?.taskID, id.hasPrefix("notify-") {
            throw APIError(.forbidden, "ids that begin with notify- are the bot's", field: "options.task_id")
        }
        guard let chat = caller.chatID else { return }
        guard catalog.chatJobs.contains(request.task) else {
            let own = catalog.chatJobs.filter { caller.allowance.admits(job: $0) }
            throw APIError(
                .forbidden, "a token of one chat may only enqueue jobs that are a chat's, not '\(request.task)'; \(Self.allowed(own))", field: "task")
        }
        guard request.options?.taskID == nil else { throw APIError(.forbidden, "a token of one chat may not choose ids", field: "options.task_id") }
        guard request.kwargs?["chat_id"] == .int(chat), (request.args ?? []).isEmpty else {
            throw APIError(.forbidden, "a token of one chat may only enqueue jobs whose keyword argument chat_id is that chat", field: "kwargs.chat_id")
        }
    }

    private static func allowed(_ names: some Collection<String>) -> String {
        names.isEmpty ? "nothing is allowed to it" : "allowed to it: \(names.sorted().joined(separator: ", ").prefix(3000))"
    }
}

extension JobAllowance {
    /// The service token's: what PriceWatch itself has.
    static let service = JobAllowance(
        jobs: Set(["pricewatch.*"].compactMap(JobNamePattern.init)), queues: Set((Queues.served + ["celery"]).compactMap(QueueName.init)))
}
