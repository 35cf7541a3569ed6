import Apium
import ApiumConfiguration
import ArgumentParser
import DynamicJSON
import Logging

/// Where the jobs are and where the results: the same on every subcommand. What the command line leaves open is read from the
/// environment, `.env` and the settings file.
public struct ConnectionOptions: ParsableArguments {
    @Option(name: [.customShort("b"), .long], help: "The broker's URL (broker_url, $APIUM_BROKER_URL). Default: redis://127.0.0.1:6379/0.")
    var broker: String?

    @Option(name: .long, help: "The result backend's URL (result_backend, $APIUM_RESULT_BACKEND). Default: the broker.")
    var backend: String?

    @Option(name: .long, help: "A YAML file with settings under Celery's names. Default: $APIUM_CONFIG.")
    var config: String?

    public init() {}

    /// Reads the settings that are in force.
    ///
    /// - Parameter arguments: what other options of the command line say.
    /// - Throws: ``ApiumError`` `invalidConfiguration` with every fault.
    func settings(_ setup: ProcessSetup, arguments: [SettingsReader.Argument?] = []) throws -> LoadedSettings {
        let own = [Self.argument("broker_url", broker, "--broker"), Self.argument("result_backend", backend, "--backend")]
        return try SettingsReader(
            environment: setup.environment, file: config, environmentFile: setup.environmentFile, arguments: (own + arguments).compactMap { $0 }
        ).load()
    }

    /// An option as an argument; nil when it was not given.
    static func argument(_ name: String, _ value: (some CustomStringConvertible)?, _ option: String) -> SettingsReader.Argument? {
        value.map { SettingsReader.Argument(name, .string("\($0)"), option: option) }
    }

    /// Runs `body` with open connections and closes them afterwards, whatever happens.
    func withConnection<Result>(_ body: (ApiumConnection) async throws -> Result) async throws -> Result {
        let connection = try settings(ProcessSetup(logger: CommandOutput.quietLogger)).settings.connect(logger: CommandOutput.quietLogger)
        do {
            let result = try await body(connection)
            await connection.shutdown()
            return result
        } catch {
            await connection.shutdown()
            throw error
        }
    }
}

extension LoadedSettings {
    /// Tells what was found and has no effect, once, at the start of a process.
    func log(to logger: Logger) {
        for note in notes { logger.notice("\(note)") }
    }
}
