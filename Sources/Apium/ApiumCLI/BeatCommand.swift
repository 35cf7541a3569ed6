import Apium
import ApiumBeat
import ApiumConfiguration
import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle

/// `beat`: turns the due slots of a schedule file into jobs until SIGTERM or SIGINT.
public struct BeatCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "beat", abstract: "Run the beat of a schedule file.", discussion: "Any number of beats may run: each slot fires once.")

    @OptionGroup var connection: ConnectionOptions
    @Option(name: .shortAndLong, help: "The schedule file (beat_schedule_file, $APIUM_SCHEDULE). Default: beat/schedule.yaml.") var schedule: String?
    @Option(help: "Answer /live, /ready and /metrics at HOST:PORT (metrics_address, $APIUM_METRICS). Default: nowhere.") var metrics: String?
    @Option(help: "The queue of entries that nothing else routes (task_default_queue). Default: celery.") var defaultQueue: String?

    public init() {}

    public func run() async throws {
        try await run(in: ProcessSetup(logger: Logger(label: "beat")), companions: { _ in [] })
    }

    /// Runs the beat in a program that has been set up already, with services beside it: health and metrics endpoints.
    ///
    /// - Parameter entries: what the program's code adds to the schedule file. Where there are any, the program's own build counts for the
    ///   generation, too.
    /// - Throws: ``ApiumError`` `invalidConfiguration` for faults of the file, and for names that stand in both.
    public func run(in setup: ProcessSetup, entries: [ScheduleEntry] = [], companions: (ApiumConnection) -> [any Service]) async throws {
        try await reportingFaults {
            let logger = setup.logger
            let loaded = try connection.settings(
                setup,
                arguments: [
                    ConnectionOptions.argument("beat_schedule_file", schedule, "--schedule"),
                    ConnectionOptions.argument("task_default_queue", defaultQueue, "--default-queue"),
                    ConnectionOptions.argument("metrics_address", metrics, "--metrics"),
                ])
            loaded.log(to: logger)
            let endpoint = try MetricsEndpoint(loaded.settings, logger: logger)
            let (file, generation) = try ScheduleFile.load(path: loaded.settings.scheduleFile)
            let all = try file.adding(entries)
            let open = try loaded.settings.connect(logger: logger)
            let beat = Beat(
                broker: open.broker, entries: all, generation: entries.isEmpty ? generation : max(generation, Beat.executableGeneration),
                router: loaded.settings.router, format: open.client.format, logger: logger)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(
                    services: [endpoint?.server(on: open.broker)].compactMap(\.self) + [beat] + companions(open), gracefulShutdownSignals: [.sigterm, .sigint],
                    logger: logger))
            do {
                try await group.run()
                await open.shutdown()
            } catch {
                await open.shutdown()
                throw error
            }
        }
    }
}
