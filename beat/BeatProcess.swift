import ApiumCLI
import ApiumSigning
import ArgumentParser
import PriceWatchBootstrap
import RedisTLS

/// PriceWatch's beat: the framework's `beat` with this application's settings, logs and health.
@main
struct BeatProcess: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "beat", abstract: "Turn the due slots of the schedule into jobs.", discussion: "Any number of beats may run: each slot fires once.")

    @OptionGroup var beat: BeatCommand

    func run() async throws {
        MessageSigning.enable()
        RedisTLS.enable()
        let process = try Bootstrap.prepare("beat")
        var settings = process.settings
        let health = settings.health(port: .beatHealthPort)
        try settings.check()
        try await beat.run(in: ProcessSetup(logger: process.logger, environment: settings.given, environmentFile: nil)) { connection in
            process.healthServices(health, parts: [HealthPart("redis") { _ = try await connection.broker.serverTime() }])
        }
    }
}
