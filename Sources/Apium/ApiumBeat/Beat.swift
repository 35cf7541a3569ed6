import ApiumCore
import Foundation
import Logging
import ServiceLifecycle

/// Turns the due slots of a schedule into jobs. Any number of beats may run: the broker fires each slot once (invariant 10).
///
/// The schedule is what the deployment brings, from a file or from code, together with what stands in the broker's dynamic store. The beat
/// sleeps until the next slot of any entry, or until the schedule changes; nothing is polled. Lateness is what the sleep and one round
/// trip take.
public struct Beat: Service {
    private let broker: any Broker
    private let entries: [ScheduleEntry]
    private let generation: Int64
    private let router: Router
    private let format: ContentFormat
    private let logger: Logger

    /// Makes a beat.
    ///
    /// - Parameters:
    ///   - entries: what the deployment brings. The dynamic store adds to them.
    ///   - generation: of the deployment: the greatest one seen by the broker wins. A file's is the time of its last change. Default: the
    ///     time at which this program's executable was built.
    ///   - router: decides where entries go that name no queue. Default: the queue `celery`.
    ///   - format: how bodies are written: a client's ``ApiumClient/format``. Default: JSON.
    public init(
        broker: any Broker, entries: [ScheduleEntry], generation: Int64 = Beat.executableGeneration, router: Router = Router(),
        format: ContentFormat = .json, logger: Logger
    ) {
        self.broker = broker
        self.entries = entries
        self.generation = generation
        self.router = router
        self.format = format
        self.logger = logger
    }

    /// When the running program's executable was last changed, in microseconds: the generation of a schedule in its code.
    public static var executableGeneration: Int64 {
        let path = URL(fileURLWithPath: Bundle.main.executablePath ?? CommandLine.arguments[0]).resolvingSymlinksInPath().path
        let changed = (try? FileManager.default.attributesOfItem(atPath: path))?[.modificationDate] as? Date
        return Int64((changed?.timeIntervalSince1970 ?? 0) * 1_000_000)
    }

    /// Fires slots until shut down.
    public func run() async throws {
        logger.info("beat runs", metadata: ["entries": "\(entries.count)", "generation": "\(generation)"])
        let engine = BeatEngine(store: broker, clock: { [broker] in try await broker.serverTime() }, entries, generation, router, format: format, logger)
        let bell = BeatBell()
        await cancelWhenGracefulShutdown {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { await self.listen(engine, bell) }
                group.addTask { await self.fire(engine, bell) }
                await group.waitForAll()
            }
        }
        logger.info("beat stopped")
    }

    private func fire(_ engine: BeatEngine, _ bell: BeatBell) async {
        var backoff = Duration.milliseconds(200)
        while !Task.isCancelled {
            do {
                let pause = try await engine.round()
                backoff = .milliseconds(200)
                await bell.wait(for: pause)
            } catch is CancellationError {
                return
            } catch {
                logger.error("the broker cannot be reached; slots wait", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: backoff)
                backoff = min(backoff * 2, .seconds(5))
            }
        }
    }

    private func listen(_ engine: BeatEngine, _ bell: BeatBell) async {
        while !Task.isCancelled {
            do {
                for await _ in try await broker.scheduleChanges() {
                    await engine.scheduleMayHaveChanged()
                    bell.ring()
                }
            } catch {
                logger.debug("changes of the schedule cannot be heard now", metadata: ["error": "\(error)"])
            }
            try? await Task.sleep(for: .seconds(1))
        }
    }
}
