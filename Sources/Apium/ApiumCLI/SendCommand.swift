import Apium
import ArgumentParser
import DynamicJSON
import Foundation

/// `apium send`: sends a canvas.
public struct SendCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "send", abstract: "Send a canvas: a signature of any form, as Celery writes it in JSON.",
        discussion: """
            Examples:
              apium send '{"task": "tasks.add", "args": [2, 3]}' --wait 10
              python -c 'import json; from tasks import add; print(json.dumps(add.s(1, 2) | add.s(3)))' | apium send -
            Prints the id of the task that ends it (of a chain the last, of a chord the body), or of the group; with --wait its value, of a
            group the list of values. With --json the ids as Celery's result tuple.
            Exit code 1 when the canvas failed, 2 when it is not ready in time.
            """)

    @OptionGroup var connection: OperatorOptions
    @Argument(help: "The signature as JSON; - reads it from standard input.") var signature: String
    @Option(name: .shortAndLong, help: "Positional arguments put in front of its own: a JSON list.") var args: String = "[]"
    @Option(help: "Wait this many seconds for the value and print it.") var wait: Double?
    @Flag(help: "Print JSON.") var json = false

    public init() {}

    public func validate() throws {
        try SecondsOption.validate("--wait", wait)
    }

    public func run() async throws {
        try await reportingFaults {
            let signature = try parsedSignature()
            guard case .array(let args)? = try? JSONValue(parsing: args) else { throw ValidationError("--args is a JSON list, for example '[2, 3]'") }
            try await connection.withConnection { connection in
                guard let handle = try await connection.client.send(signature, args: args) else { throw ValidationError("the canvas is empty") }
                guard let wait else { return json ? CommandOutput.json(handle.tuple.json) : CommandOutput.line(handle.id) }
                do {
                    CommandOutput.json(try await handle.value(within: .seconds(wait)))
                } catch let failure as JobFailure {
                    json ? CommandOutput.json(failure.value) : CommandOutput.line(Terminal.plain("\(failure)"))
                    throw CommandOutput.jobFailed
                }
            }
        }
    }

    private func parsedSignature() throws -> Signature {
        let bytes = signature == "-" ? Array(FileHandle.standardInput.readDataToEndOfFile()) : Array(signature.utf8)
        do {
            return try Signature(json: try JSONValue(parsing: bytes))
        } catch let error as ApiumError {
            throw error
        } catch {
            throw ValidationError("the signature is not JSON: \(error)")
        }
    }
}
