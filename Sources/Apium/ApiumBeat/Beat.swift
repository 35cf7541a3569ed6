import ApiumCore
import Logging
import ServiceLifecycle

/// Turns the due slots of a schedule into jobs. Any number of beats may run: the broker fires each slot once (invariant 10).
///
/// It sleeps until the next slot of any entry; nothing is polled. Lateness is what the sleep and one round trip take.
public struct Beat: Service {
    private let broker: any Broker
    private let entries: [ScheduleEntry]
    private let generation: Int64
    private let router: Router
    private let logger: Logger
    /// A slot that is older than this when a beat comes to it counts as missed.
    private let tolerance = Duration.seconds(10)
    /// The broker's clock is asked again after this time at the latest.
    private let resync = Duration.seconds(30)

    /// Makes a beat.
    ///
    /// - Parameters:
    ///   - generation: of the schedule: the greatest one seen by the broker wins. A file's is the time of its last change.
    ///   - router: decides where entries go that name no queue. Default: the queue `celery`.
    public init(broker: any Broker, entries: [ScheduleEntry], generation: Int64, router: Router = Router(), logger: Logger) {
        self.broker = broker
        self.entries = entries.filter(\.isEnabled)
        self.generation = generation
        self.router = router
        self.logger = logger
    }

    /// Fires slots until shut down.
    public func run() async throws {
        logger.info("beat runs", metadata: ["entries": "\(entries.count)"])
        await cancelWhenGracefulShutdown { await self.loop() }
        logger.info("beat stopped")
    }

    private func loop() async {
        var backoff = Duration.milliseconds(200)
        while !Task.isCancelled {
            do {
                let pause = try await round()
                backoff = .milliseconds(200)
                try await Task.sleep(for: pause)
            } catch is CancellationError {
                return
            } catch {
                logger.error("the broker cannot be reached; slots wait", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: backoff)
                backoff = min(backoff * 2, .seconds(5))
            }
        }
    }

    /// Fires what is due, and answers how long to sleep.
    func round() async throws -> Duration {
        let versions = entries.map { ($0.name, $0.version) }
        let adoption = ScheduleAdoption(generation: generation, versions: Dictionary(versions) { first, _ in first })
        guard let progress = try await broker.adopt(adoption) else {
            logger.warning("a newer schedule is in force; this beat stands by", metadata: ["generation": "\(generation)"])
            return resync
        }
        // Asked for after the adoption, so that no entry is in force only later.
        let now = try await broker.serverTime()
        var next = now + resync
        for entry in entries {
            guard let known = progress[entry.name] else { continue }
            for slot in BeatPlan.due(entry, known, now: now, tolerance: tolerance) {
                next = min(next, now + (try await fire(entry, slot)))
            }
            if let upcoming = entry.next(after: now) { next = min(next, upcoming) }
        }
        let elapsed = try await broker.serverTime() - now
        return max(next - now - elapsed, .zero)
    }

    /// Fires one slot; answers when to look again at the latest.
    private func fire(_ entry: ScheduleEntry, _ slot: Timestamp) async throws -> Duration {
        let job = try entry.outgoing(slot: slot, router: router)
        switch try await broker.fire(ScheduledSlot(entry: entry.name, generation: generation, instant: slot, job: job)) {
        case .fired: logger.info("fired", metadata: ["entry": "\(entry.name)", "slot": "\(slot.iso8601)", "job": "\(job.message.id)"])
        case .alreadyFired: logger.debug("another beat has fired this slot", metadata: ["entry": "\(entry.name)", "slot": "\(slot.iso8601)"])
        case .early(let duration): return duration
        case .staleGeneration:
            logger.warning("a newer schedule is in force; this beat stands by", metadata: ["entry": "\(entry.name)", "generation": "\(generation)"])
        }
        return resync
    }
}
