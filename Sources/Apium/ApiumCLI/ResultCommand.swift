import Apium
import ArgumentParser
import DynamicJSON

/// `apium result`: a task's state and result.
public struct ResultCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "result", abstract: "Show a task's state and result.",
        discussion: """
            Examples:
              apium result 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e
              apium result 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e --wait 10
              apium result 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e --follow      its states on the way, such as STARTED and PROGRESS, until it ends

            Exit code 0 for SUCCESS, 1 for FAILURE and REVOKED, 2 when there is no result (yet).
            """)

    @OptionGroup var connection: OperatorOptions
    @Argument(help: "The task's id.") var id: String
    @Option(help: "Wait so many seconds for the task to end.") var wait: Double?
    @Flag(help: "Show each state on the way until the task ends, or --wait is over.") var follow = false
    @Flag(help: "Print the stored document as JSON; with --follow each on a line.") var json = false

    public init() {}

    public func validate() throws {
        try SecondsOption.validate("--wait", wait)
    }

    public func run() async throws {
        try await reportingFaults {
            try await connection.withConnection { connection in
                if follow { try await states(connection) }
                try await Self.show(id, within: follow ? nil : wait, json: json, connection)
            }
        }
    }

    /// How often the stored state is looked at.
    private static let rhythm = Duration.milliseconds(200)

    /// Shows each state on the way; ends when the task has ended, or the time is over.
    private func states(_ connection: ApiumConnection) async throws {
        let end = wait.map { ContinuousClock.now + .seconds($0) }
        var last: ResultDocument?
        while true {
            let document = try await connection.results.document(for: id)
            if let document, document.state.isReady { return }
            if let document, document.state != last?.state || document.result != last?.result {
                json ? CommandOutput.json(Self.json(id, document)) : CommandOutput.line(Terminal.plain("\(document.state) \(document.result.text)"))
                last = document
            }
            if let end, ContinuousClock.now >= end { return }
            try await Task.sleep(for: Self.rhythm)
        }
    }

    private static func json(_ id: String, _ document: ResultDocument) -> JSONValue {
        ["id": .string(id), "state": .string(document.state.rawValue), "result": document.result]
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
            CommandOutput.json(Self.json(id, document))
        } else if document.state == .success {
            CommandOutput.line(Terminal.plain(document.result.text))
        } else {
            CommandOutput.line(Terminal.plain("\(document.state) \(JobFailure(value: document.result)?.description ?? document.result.text)"))
        }
        if !document.state.isReady { throw CommandOutput.notThere }
        if document.state != .success { throw CommandOutput.jobFailed }
    }
}
