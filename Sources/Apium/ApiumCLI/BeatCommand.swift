import Apium
import ApiumBeat
import ArgumentParser
import Foundation
import Logging
import ServiceLifecycle

/// `beat`: turns the due slots of a schedule file into jobs until SIGTERM or SIGINT.
public struct BeatCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "beat", abstract: "Run the beat of a schedule file.", discussion: "Any number of beats may run: each slot fires once.")

    @OptionGroup var connection: ConnectionOptions
    @Option(name: .shortAndLong, help: "The schedule file. Default: $APIUM_SCHEDULE, else beat/schedule.yaml.") var schedule: String?
    @Option(help: "The queue of entries that name none.") var defaultQueue = "celery"

    public init() {}

    public func run() async throws {
        try await run(in: ProcessSetup(logger: Logger(label: "beat")), companions: { _ in [] })
    }

    /// Runs the beat in a program that has been set up already, with services beside it: health and metrics endpoints.
    public func run(in setup: ProcessSetup, companions: (ApiumConnection) -> [any Service]) async throws {
        try await reportingFaults {
            let logger = setup.logger
            let path = schedule ?? setup.environment["APIUM_SCHEDULE"].nonEmpty ?? "beat/schedule.yaml"
            let (file, generation) = try ScheduleFile.load(path: path)
            let open = try connection.connect(setup)
            let beat = Beat(broker: open.broker, entries: file.entries, generation: generation, router: Router(defaultQueue: defaultQueue), logger: logger)
            let group = ServiceGroup(
                configuration: ServiceGroupConfiguration(services: [beat] + companions(open), gracefulShutdownSignals: [.sigterm, .sigint], logger: logger))
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
