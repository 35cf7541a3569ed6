import Apium
import ArgumentParser
import DynamicJSON
import Foundation
import Logging

/// Sends one feature of the matrix to a queue with our client and prints what came of it as JSON, as
/// Tests/Interop/matrix_features.py does with Celery's.
@main
struct InteropProducer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "interop-producer", abstract: "Send one feature of the interop matrix.")

    @Option(help: "The broker's URL, which is the result backend's too.") var broker: String
    @Option(help: "The queue to send to.") var queue: String
    @Argument(help: "The feature's name.") var feature: String

    func run() async throws {
        guard let send = Features.all[feature] else { throw ValidationError("no feature is named \(feature)") }
        let connection = try ApiumConnection(broker: broker, logger: Logger(label: "producer", factory: { StreamLogHandler.standardError(label: $0) }))
        do {
            let seen = try await send(Feature(client: connection.client, queue: queue, notes: try Notes(url: broker)))
            FileHandle.standardOutput.write(Data((seen.text + "\n").utf8))
            await connection.shutdown()
        } catch {
            await connection.shutdown()
            throw error
        }
    }
}
