import Apium
import ArgumentParser
import DynamicJSON

/// `apium result`: a task's state and result.
public struct ResultCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "result", abstract: "Show a task's state and result.",
        discussion: "Exit code 0 for SUCCESS, 1 for FAILURE and REVOKED, 2 when there is no result (yet).")

    @OptionGroup var connection: ConnectionOptions
    @Argument(help: "The task's id.") var id: String
    @Option(help: "Wait this many seconds for the task to end.") var wait: Double?
    @Flag(help: "Print the stored document as JSON.") var json = false

    public init() {}

    public func run() async throws {
        try await reportingFaults {
            try await connection.withConnection { try await Self.show(id, within: wait, json: json, $0) }
        }
    }

    /// Prints the document of a task, waiting for its end if `wait` says so.
    static func show(_ id: String, within wait: Double?, json: Bool, _ connection: ApiumConnection) async throws {
        let document: ResultDocument?
        if let wait {
            document = try await connection.results.wait(for: id, within: .seconds(wait))
        } else {
            document = try await connection.results.document(for: id)
        }
        guard let document else {
            json ? CommandOutput.json(["id": .string(id), "state": "PENDING"]) : CommandOutput.line("PENDING")
            throw CommandOutput.notThere
        }
        if json {
            CommandOutput.json(["id": .string(id), "state": .string(document.state.rawValue), "result": document.result])
        } else if document.state == .success {
            CommandOutput.line(document.result.text)
        } else {
            CommandOutput.line("\(document.state) \(JobFailure(value: document.result)?.description ?? document.result.text)")
        }
        if !document.state.isReady { throw CommandOutput.notThere }
        if document.state != .success { throw CommandOutput.jobFailed }
    }
}
