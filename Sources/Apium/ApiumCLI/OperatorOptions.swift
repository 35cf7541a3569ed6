import Apium
import ApiumConfiguration
import ApiumInspect
import ArgumentParser
import Foundation
import Synchronization

/// What every operations command takes: where the servers are, and how its answers look.
struct OperatorOptions: ParsableArguments {
    @OptionGroup var servers: ConnectionOptions
    @Option(help: "When to colour; auto: on a terminal, unless $NO_COLOR is set.") var color = ColourChoice.auto
    @Option(name: .customLong("language"), help: "en or ru: the language of sentences. Default: that of $LC_ALL, $LC_MESSAGES or $LANG.")
    var languageName: String?

    func validate() throws {
        if let languageName, Language(rawValue: languageName) == nil {
            throw ValidationError("--language is '\(languageName.prefix(20))'; it takes en or ru")
        }
        Terminal.choose(color)
    }

    /// The language of sentences.
    var language: Language {
        if let languageName, let known = Language(rawValue: languageName) { return known }
        let environment = ProcessInfo.processInfo.environment
        let locale = ["LC_ALL", "LC_MESSAGES", "LANG"].compactMap { environment[$0] }.first { !$0.isEmpty }
        return Language(locale: locale ?? "")
    }

    /// Runs `body` with open connections and closes them afterwards, whatever happens.
    func withConnection<Result>(_ body: (ApiumConnection) async throws -> Result) async throws -> Result {
        let connection = try settings().settings.connect(logger: CommandOutput.quietLogger)
        do {
            let result = try await body(connection)
            await connection.shutdown()
            return result
        } catch {
            await connection.shutdown()
            throw error
        }
    }

    /// Reads the settings that are in force.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` with every fault.
    func settings() throws -> LoadedSettings { try servers.settings(ProcessSetup.operations) }

    /// Who gives orders, for those who ask later.
    static var operatorName: String { "\(NSUserName())@\(ProcessInfo.processInfo.hostName)" }
}

/// Whether colours are wanted.
enum ColourChoice: String, ExpressibleByArgument, CaseIterable {
    case auto, always, never
}

extension ApiumConnection {
    /// Looks at what is on these servers.
    var inspector: Inspector {
        var inspector = Inspector(broker: broker, results: results)
        inspector.controlExchange = client.controlExchange
        return inspector
    }
}
