import ApiumCore
import Testing

private struct Refused: Error {}
private struct Gone: Error {}

@Suite("Retry policies")
struct RetryPolicyTests {
    private func decision(_ policy: RetryPolicy, _ retries: Int) -> RetryPolicy.Decision { policy.decision(after: .init(retries: retries, error: Refused())) }

    @Test("the default gives up after the first failure")
    func never() {
        #expect(decision(.never, 0) == .giveUp)
    }

    @Test("a fixed policy runs a job as often as it says, and no more")
    func fixed() {
        let policy = RetryPolicy.fixed(attempts: 3, delay: .seconds(5))
        #expect((0..<4).map { decision(policy, $0) } == [.after(.seconds(5)), .after(.seconds(5)), .giveUp, .giveUp])
        #expect(decision(.fixed(attempts: 0, delay: .zero), 0) == .giveUp)
    }

    @Test("an exponential policy doubles its delay up to the maximum, and takes at least half of it")
    func exponential() {
        let policy = RetryPolicy.exponential(attempts: 100, base: .seconds(2), maximum: .seconds(60))
        for (retries, seconds) in [(0, 2.0), (1, 4), (2, 8), (4, 32), (5, 60), (40, 60), (98, 60)] {
            for _ in 0..<50 {
                guard case .after(let delay) = decision(policy, retries) else {
                    Issue.record("gave up after \(retries) retries")
                    continue
                }
                #expect(delay.inSeconds >= seconds / 2 - 1e-9 && delay.inSeconds <= seconds + 1e-9)
            }
        }
        #expect(decision(policy, 99) == .giveUp)
    }

    @Test("jobs that failed together come back apart")
    func jitter() {
        let policy = RetryPolicy.exponential(attempts: 2, base: .seconds(100))
        var delays: Set<Duration> = []
        for _ in 0..<20 { if case .after(let delay) = decision(policy, 0) { delays.insert(delay) } }
        #expect(delays.count > 10)
    }

    @Test("a policy of one's own sees the error")
    func custom() {
        let policy = RetryPolicy { $0.error is Gone ? .giveUp : .after(.seconds(Int64($0.retries))) }
        #expect(policy.decision(after: .init(retries: 3, error: Refused())) == .after(.seconds(3)))
        #expect(policy.decision(after: .init(retries: 3, error: Gone())) == .giveUp)
    }
}
