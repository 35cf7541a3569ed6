import Apium
import ApiumConfiguration
import ApiumYAML
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

    @Option(
        name: .customLong("setting"), help: ArgumentHelp("Any setting, as in the environment; may be given several times.", valueName: "name=value"))
    var given: [String] = []

    /// Options that nothing is said in.
    public init() {}

    /// Refuses a `--setting` that is no pair.
    public func validate() throws {
        for text in given where !text.contains("=") || text.hasPrefix("=") {
            throw ValidationError("--setting takes NAME=VALUE, for example --setting task_serializer=yaml; got '\(text.prefix(100))'")
        }
    }

    /// Reads the settings that are in force.
    ///
    /// - Parameter arguments: what other options of the command line say.
    /// - Throws: ``ApiumError`` `invalidConfiguration` with every fault.
    func settings(_ setup: ProcessSetup, arguments: [SettingsReader.Argument?] = []) throws -> LoadedSettings {
        let others = given.map { text in
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
            return SettingsReader.Argument(String(parts[0]), .string(String(parts[1])), option: "--setting")
        }
        let own = [Self.argument("broker_url", broker, "--broker"), Self.argument("result_backend", backend, "--backend")]
        return try SettingsReader(
            environment: setup.environment, file: config, environmentFile: setup.environmentFile, arguments: others + (own + arguments).compactMap { $0 },
            defaults: setup.defaults
        ).load()
    }

    /// An option as an argument; nil when it was not given.
    static func argument(_ name: String, _ value: (some CustomStringConvertible)?, _ option: String) -> SettingsReader.Argument? {
        value.map { SettingsReader.Argument(name, .string("\($0)"), option: option) }
    }
}

extension LoadedSettings {
    /// Tells what was found and has no effect, once, at the start of a process.
    func log(to logger: Logger) {
        for note in notes { logger.notice("\(note)") }
    }
}

extension ProcessSetup {
    /// What the operations command begins with: it reads the settings of any program, and so brings every serialisation.
    static var operations: ProcessSetup {
        var defaults = ApiumSettings()
        defaults.serializers = [.json, .yaml]
        return ProcessSetup(logger: CommandOutput.quietLogger, defaults: defaults)
    }
}
