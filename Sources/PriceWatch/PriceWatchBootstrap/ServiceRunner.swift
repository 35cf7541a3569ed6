import Logging
import ServiceLifecycle
import UnixSignals

/// Runs a process' services together: started in order, ended in reverse order.
///
/// The first SIGTERM or SIGINT ends them gracefully; a second one, or the end of the grace period, cancels them.
/// A service that ends or fails by itself ends the others gracefully, too.
public struct ServiceRunner: Sendable {
    private let services: [any Service]
    private let gracePeriod: Duration
    private let logger: Logger

    /// Makes a runner; `gracePeriod` is how long a graceful end may take before tasks are cancelled.
    public init(services: [any Service], gracePeriod: Duration = .seconds(30), logger: Logger) {
        self.services = services
        self.gracePeriod = gracePeriod
        self.logger = logger
    }

    /// Runs until all services have ended.
    public func run() async throws {
        let signals = await UnixSignalsSequence(trapping: .sigterm, .sigint)
        try await run(until: signals)
    }

    /// Runs with signals from elsewhere, for tests.
    func run<Signals: AsyncSequence & Sendable>(until signals: Signals) async throws where Signals.Element == UnixSignal {
        var configuration = ServiceGroupConfiguration(
            services: services.map {
                .init(service: $0, successTerminationBehavior: .gracefullyShutdownGroup, failureTerminationBehavior: .gracefullyShutdownGroup)
            }, logger: logger)
        configuration.maximumGracefulShutdownDuration = gracePeriod
        let group = ServiceGroup(configuration: configuration)
        try await withThrowingTaskGroup(of: Ended.self) { tasks in
            tasks.addTask {
                try await group.run()
                return .services
            }
            tasks.addTask { try await listen(to: signals, for: group) }
            defer { tasks.cancelAll() }
            while let ended = try await tasks.next() {
                switch ended {
                case .services: return
                case .signals: continue
                case .secondSignal:
                    // Cancelling the services is what the second signal asks for, so that they end by it is no failure.
                    tasks.cancelAll()
                    while let result = await tasks.nextResult() {
                        if case .failure(let error) = result, !(error is CancellationError) { throw error }
                    }
                    return
                }
            }
        }
    }

    private enum Ended { case services, signals, secondSignal }

    private func listen<Signals: AsyncSequence & Sendable>(to signals: Signals, for group: ServiceGroup) async throws -> Ended
    where Signals.Element == UnixSignal {
        var isEnding = false
        for try await signal in signals {
            if isEnding {
                logger.warning("second signal: ending at once", metadata: ["signal": "\(signal)"])
                return .secondSignal
            }
            isEnding = true
            logger.info("signal: ending gracefully; a second one ends at once", metadata: ["signal": "\(signal)"])
            await group.triggerGracefulShutdown()
        }
        return .signals
    }
}
