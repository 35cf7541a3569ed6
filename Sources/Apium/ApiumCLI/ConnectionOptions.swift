import Apium
import ArgumentParser
import Foundation
import Logging

/// Where the jobs are and where the results: the same on every subcommand.
public struct ConnectionOptions: ParsableArguments {
    @Option(name: [.customShort("b"), .long], help: "The broker's URL. Default: $APIUM_BROKER_URL, else redis://127.0.0.1:6379/0.")
    var broker: String?

    @Option(name: .long, help: "The result backend's URL. Default: $APIUM_RESULT_BACKEND, else the broker.")
    var backend: String?

    public init() {}

    /// Opens the connections these options name.
    func connect(_ setup: ProcessSetup) throws -> ApiumConnection {
        let broker = broker ?? setup.environment["APIUM_BROKER_URL"].nonEmpty ?? "redis://127.0.0.1:6379/0"
        return try ApiumConnection(broker: broker, backend: backend ?? setup.environment["APIUM_RESULT_BACKEND"].nonEmpty, logger: setup.logger)
    }

    /// Runs `body` with open connections and closes them afterwards, whatever happens.
    func withConnection<Result>(_ body: (ApiumConnection) async throws -> Result) async throws -> Result {
        let connection = try connect(ProcessSetup(logger: CommandOutput.quietLogger))
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

extension String? {
    /// The text, unless it is empty: an empty environment variable counts as absent.
    var nonEmpty: String? { flatMap { $0.isEmpty ? nil : $0 } }
}
