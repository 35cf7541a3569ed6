import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumWorker

@Suite("Verdicts")
struct VerdictTests {
    private struct Broken: Error {}
    private let now = Timestamp(seconds: 1_000_000)

    private func assignment(retries: Int = 0, ignoreResult: Bool? = nil, options: JobOptions = JobOptions()) -> Assignment {
        var headers = Message.Headers(task: "t", id: "id-1")
        headers.retries = retries
        headers.ignoreResult = ignoreResult
        let message = Message(headers: headers, body: TaskArguments(args: [1]).encodedBody())
        let delivery = Delivery(tag: DeliveryTag(batch: 3, index: 4), queue: "q", fence: 9, payload: message.encoded())
        return Assignment(delivery: delivery, message: message, options: options, worker: "w@h", resultExtended: true, arguments: TaskArguments(args: [1]))
    }

    @Test("a success ends the delivery with its result and Celery's extended fields")
    func success() throws {
        let completion = Verdict.success(42).completion(of: assignment(retries: 2), now: now)
        guard case .done = completion.disposition else { return #expect(Bool(false), "the delivery is not done") }
        let result = try #require(completion.results.first)
        #expect(result.state == .success)
        #expect(result.result == 42)
        #expect(result.extra["retries"] == 2)
        #expect(result.extra["queue"] == "q")
        #expect(result.dateDone == now)
    }

    @Test("ignore_result of the message counts before the job's own, and a failure's job is kept all the same")
    func ignoreResult() {
        #expect(Verdict.success(1).completion(of: assignment(ignoreResult: true), now: now).results.isEmpty)
        #expect(Verdict.success(1).completion(of: assignment(ignoreResult: false, options: JobOptions(ignoreResult: true)), now: now).results.count == 1)
        let failure = Verdict.failure(JobFailure(type: "E")).completion(of: assignment(ignoreResult: true), now: now)
        #expect(failure.results.isEmpty)
        guard case .shelve(.dead, let record) = failure.disposition else { return #expect(Bool(false), "a failed job is in the dead set") }
        #expect(record.id == "id-1")
        #expect(record.attempts == 1)
    }

    @Test("a retry keeps the id, counts up, leaves its due time to the broker's clock and stores RETRY with the cause")
    func retry() throws {
        let completion = Verdict.retry(after: .seconds(5), cause: JobFailure(type: "E")).completion(of: assignment(retries: 1), now: now)
        guard case .schedule(let message, let queue, let delay) = completion.disposition else {
            return #expect(Bool(false), "a retry waits in the scheduled set")
        }
        #expect(message.id == "id-1")
        #expect(message.headers.retries == 2)
        #expect(message.headers.eta == nil)
        #expect(queue == "q")
        #expect(delay == .seconds(5))
        #expect(completion.results.first?.state == .retry)
    }

    @Test("a snooze does not count as a retry and stores nothing")
    func snooze() {
        let completion = Verdict.snooze(.seconds(5)).completion(of: assignment(retries: 1), now: now)
        guard case .schedule(let message, _, _) = completion.disposition else { return #expect(Bool(false), "a snooze waits in the scheduled set") }
        #expect(message.headers.retries == 1)
        #expect(completion.results.isEmpty)
    }

    private func thrown(_ error: any Error, stop: RunningJobs.StopReason? = nil, retries: Int = 0, policy: RetryPolicy = .never) -> Verdict? {
        Verdict.thrown(error, stop: stop, retries: retries, policy: policy, taskText: "t[id]")
    }

    @Test("what the worker told the job counts before what the job threw")
    func stopReasons() {
        #expect(thrown(CancellationError(), stop: .abandoned) == nil)
        guard case .revoked("terminated")? = thrown(CancellationError(), stop: .revoked) else { return #expect(Bool(false), "a revoked job is REVOKED") }
        guard case .failure(let failure)? = thrown(CancellationError(), stop: .timeLimit(.seconds(3))) else {
            return #expect(Bool(false), "a job out of time fails")
        }
        #expect(failure.type == "TimeLimitExceeded")
        #expect(failure.module == "billiard.exceptions")
        #expect(failure.arguments == [3.0])
    }

    @Test("the policy sees the error, and gives up when its attempts are used")
    func policies() {
        let policy = RetryPolicy.fixed(attempts: 3, delay: .seconds(7))
        guard case .retry(let delay, _)? = thrown(Broken(), retries: 1, policy: policy) else {
            return #expect(Bool(false), "the second run of three is retried")
        }
        #expect(delay == .seconds(7))
        guard case .failure? = thrown(Broken(), retries: 2, policy: policy) else { return #expect(Bool(false), "the third run of three fails") }
    }

    @Test("a thrown Retry beyond its limit fails with its reason, or with MaxRetriesExceededError")
    func retryLimit() {
        guard case .retry? = thrown(Retry(maxRetries: 3), retries: 2) else { return #expect(Bool(false), "the third retry of three is allowed") }
        guard case .failure(let plain)? = thrown(Retry(maxRetries: 3), retries: 3) else { return #expect(Bool(false), "the fourth is not") }
        #expect(plain.type == "MaxRetriesExceededError")
        #expect(plain.module == "celery.exceptions")
        guard case .failure(let reasoned)? = thrown(Retry(maxRetries: 0, reason: JobFailure(type: "Down")), retries: 0) else {
            return #expect(Bool(false), "no retry is allowed")
        }
        #expect(reasoned.type == "Down")
        guard case .retry? = thrown(Retry(maxRetries: nil), retries: 1_000) else { return #expect(Bool(false), "without a limit it goes on") }
    }

    @Test("arguments that do not fit are a TypeError and never retried")
    func badArguments() {
        let error = ApiumError(.badArguments, "t() takes 0 positional arguments but 1 were given")
        guard case .failure(let failure)? = thrown(error, policy: .fixed(attempts: 9, delay: .zero)) else {
            return #expect(Bool(false), "bad arguments fail at once")
        }
        #expect(failure.type == "TypeError")
        #expect(failure.module == "builtins")
    }

    @Test("Ignore stores nothing; Reject goes back, or ends as Celery's Reject")
    func instructions() {
        guard case .ignored? = thrown(Ignore()) else { return #expect(Bool(false), "Ignore is ignored") }
        guard case .requeue? = thrown(Reject("x", requeue: true)) else { return #expect(Bool(false), "Reject(requeue) goes back") }
        guard case .failure(let failure)? = thrown(Reject("x")) else { return #expect(Bool(false), "Reject ends the job") }
        #expect(failure.arguments == ["x", false])
    }
}
