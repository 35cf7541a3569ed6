import ApiumCore
import DynamicJSON
import Testing

@testable import ApiumWorker

@Suite("Verdicts")
struct VerdictTests {
    private struct Broken: Error {}
    private func thrown(
        _ error: any Error, stop: RunningJobs.StopReason? = nil, softLimit: Bool = false, retries: Int = 0, policy: RetryPolicy = .never, maxRetries: Int? = 3
    ) -> Verdict? {
        Verdict.thrown(
            error, stop: stop, softLimit: softLimit, retries: retries, options: JobOptions(retry: policy, maxRetries: maxRetries), taskText: "t[id]")
    }

    @Test("what the worker told the job counts before what the job threw")
    func stopReasons() {
        #expect(thrown(CancellationError(), stop: .abandoned) == nil)
        guard case .revoked("terminated")? = thrown(CancellationError(), stop: .revoked()) else { return #expect(Bool(false), "a revoked job is REVOKED") }
        guard case .failure(let failure)? = thrown(CancellationError(), stop: .timeLimit(.seconds(3))) else {
            return #expect(Bool(false), "a job out of time fails")
        }
        #expect(failure.type == "TimeLimitExceeded")
        #expect(failure.module == "billiard.exceptions")
        #expect(failure.arguments == [3])
    }

    @Test("the policy sees the error, and gives up when its attempts are used")
    func policies() {
        let policy = RetryPolicy.fixed(attempts: 3, delay: .seconds(7))
        guard case .retry(let again)? = thrown(Broken(), retries: 1, policy: policy) else {
            return #expect(Bool(false), "the second run of three is retried")
        }
        #expect(again.delay == .seconds(7))
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

    @Test("a thrown Retry without a limit of its own has the job's, and its delay")
    func retryLimitOfJob() {
        guard case .retry(let again)? = thrown(Retry(), retries: 1, maxRetries: 2) else { return #expect(Bool(false), "the second retry of two is allowed") }
        #expect(again.delay == .seconds(180))
        guard case .failure? = thrown(Retry(), retries: 2, maxRetries: 2) else { return #expect(Bool(false), "the third is not") }
        guard case .retry? = thrown(Retry(), retries: 99, maxRetries: nil) else { return #expect(Bool(false), "without a limit it goes on") }
    }

    @Test("a soft limit that is let through fails the job as SoftTimeLimitExceeded, whether it was thrown by name or as a cancellation")
    func softLimit() {
        for error in [SoftTimeLimitExceeded() as any Error, CancellationError()] {
            guard case .failure(let failure)? = thrown(error, softLimit: true) else { return #expect(Bool(false), "the job fails") }
            #expect(failure == JobFailure(type: "SoftTimeLimitExceeded", module: "billiard.exceptions"))
        }
        guard case .failure(let other)? = thrown(Broken(), softLimit: true) else { return #expect(Bool(false), "the job fails") }
        #expect(other.type == "Broken")
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
