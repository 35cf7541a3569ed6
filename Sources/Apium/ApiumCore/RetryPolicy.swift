/// Decides whether and when a failed job runs again.
///
/// A policy is a function of the attempt and the error, so that it can be tested without a worker:
///
/// ```swift
/// let polite = RetryPolicy { failure in
///     failure.error is PageGone ? .giveUp : .after(.seconds(30))
/// }
/// ```
public struct RetryPolicy: Sendable {
    /// One failed run.
    public struct Failure: Sendable {
        /// How often the job has been retried before this run: 0 for the first run.
        public var retries: Int
        /// What the run threw.
        public var error: any Error

        /// Makes a failure to ask a policy about.
        public init(retries: Int, error: any Error) {
            self.retries = retries
            self.error = error
        }
    }

    /// What to do after a failure.
    public enum Decision: Sendable, Equatable {
        /// The job has failed: store the error, keep the job in the dead set.
        case giveUp
        /// Run it again after this time.
        case after(Duration)
    }

    /// How many retries there are at most, for people who look; `nil`: not known, or without end.
    public let mostRetries: Int?
    private let decide: @Sendable (Failure) -> Decision

    /// Makes a policy of a function.
    ///
    /// - Parameter mostRetries: how many retries it grants at most, if it knows; it is only shown. Default: not known.
    public init(mostRetries: Int? = nil, _ decide: @escaping @Sendable (Failure) -> Decision) {
        self.mostRetries = mostRetries
        self.decide = decide
    }

    /// What this policy does after `failure`.
    public func decision(after failure: Failure) -> Decision { (failure.error as? any RetryDecided)?.retryDecision ?? decide(failure) }

    /// Every failure is final. The default.
    public static let never = RetryPolicy(mostRetries: 0) { _ in .giveUp }

    /// At most `attempts` runs in all, `delay` apart.
    public static func fixed(attempts: Int, delay: Duration) -> RetryPolicy {
        RetryPolicy(mostRetries: max(0, attempts - 1)) { $0.retries + 1 < attempts ? .after(delay) : .giveUp }
    }

    /// At most `attempts` runs in all; the n-th retry waits `base` × 2ⁿ up to `maximum`, of which a random part between
    /// half and all is taken, so that jobs that failed together do not come back together.
    public static func exponential(attempts: Int, base: Duration = .seconds(1), maximum: Duration = .minutes(10)) -> RetryPolicy {
        RetryPolicy(mostRetries: max(0, attempts - 1)) { failure in
            guard failure.retries + 1 < attempts else { return .giveUp }
            let doubled = base * Double(1 << min(failure.retries, 40))
            return .after(min(doubled, maximum) * Double.random(in: 0.5...1))
        }
    }

    /// Celery's `autoretry_for`: errors that `includes` names bring the job back, all others fail it.
    ///
    /// - Parameters:
    ///   - maxRetries: retries in all; `nil`: for ever. Celery's `retry_kwargs` `max_retries`, 3.
    ///   - delay: the wait without a back-off. Celery's `default_retry_delay`, 180 seconds.
    ///   - backoff: Celery's `retry_backoff` in seconds, cut to whole ones and 1 at least: the n-th retry waits `backoff` × 2ⁿ.
    ///     `nil`: ``delay`` each time.
    ///   - maximum: Celery's `retry_backoff_max`.
    ///   - jitter: Celery's `retry_jitter`: with a back-off a random whole number of seconds from 0 to what it says.
    public static func autoretry(
        maxRetries: Int? = 3, delay: Duration = .seconds(180), backoff: Double? = nil, maximum: Duration = .seconds(600), jitter: Bool = true,
        for includes: @escaping @Sendable (any Error) -> Bool
    ) -> RetryPolicy {
        RetryPolicy(mostRetries: maxRetries) { failure in
            guard includes(failure.error), maxRetries.map({ failure.retries + 1 <= $0 }) ?? true else { return .giveUp }
            guard let backoff else { return .after(delay) }
            let factor = Int64(min(max(backoff, 1), 1e9))
            let most = min(factor << Int64(min(max(failure.retries, 0), 30)), maximum.components.seconds)
            return .after(.seconds(jitter ? Int64.random(in: 0...max(most, 0)) : most))
        }
    }
}

/// An error about which a policy has decided already: where it was thrown the policy saw it as it was.
public protocol RetryDecided: Error {
    /// What the policy said.
    var retryDecision: RetryPolicy.Decision { get }
}
