import Apium
import ApiumBeat
import ArgumentParser
import DynamicJSON
import Foundation
import Logging

/// What commands print, and how they end.
///
/// The exit codes stand in the table of docs/cli.md, which a test compares.
enum CommandOutput {
    /// The codes of ``ExitCode`` that scripts may rely on.
    static let jobFailed = ExitCode(1)
    /// Something was not done, or is not in order.
    static let notAll = ExitCode(1)
    static let notThere = ExitCode(2)
    static let unavailable = ExitCode(69)
    static let slotsLost = ExitCode(75)
    static let notPermitted = ExitCode(77)

    /// How a command ends that failed with this.
    static func exitCode(for error: ApiumError) -> ExitCode {
        switch error.code {
        case .unavailable: unavailable
        case .timedOut, .noSuchEntry: notThere
        case .slotsLost: slotsLost
        case .notPermitted: notPermitted
        default: ExitCode(64)
        }
    }

    /// Commands answer on standard output; the libraries under them log to standard error, and only what is wrong.
    static let quietLogger = Logger(label: "apium") { label in
        var handler = StreamLogHandler.standardError(label: label)
        handler.logLevel = .error
        return handler
    }

    /// Writes a line to standard output.
    static func line(_ text: String) { write(text + "\n") }

    /// Writes to standard output. Where nobody reads any more, as behind `| head`, the command ends as a signal would end it; where the text cannot be
    /// written (a full disk), with a sentence and 74.
    static func write(_ text: String) {
        do {
            try FileHandle.standardOutput.write(contentsOf: Data(text.utf8))
        } catch {
            let cause = (error as NSError).userInfo[NSUnderlyingErrorKey] as? NSError ?? error as NSError
            if cause.code == EPIPE { exit(141) }
            complain("apium: standard output cannot be written: \(cause.localizedDescription)")
            exit(74)
        }
    }

    /// Writes a line to standard error, if that is open.
    static func complain(_ text: String) { try? FileHandle.standardError.write(contentsOf: Data((text + "\n").utf8)) }

    /// Writes a JSON value on a line.
    static func json(_ value: JSONValue) { line(value.text) }
}

extension AsyncParsableCommand {
    /// Runs the body of a command: faults of the framework become a sentence and an exit code.
    func reportingFaults(_ body: () async throws -> Void) async throws {
        do {
            try await body()
        } catch let error as ApiumError {
            CommandOutput.complain("apium: \(error)")
            throw CommandOutput.exitCode(for: error)
        }
    }
}
