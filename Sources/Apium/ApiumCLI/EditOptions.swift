import Apium
import ArgumentParser
import DynamicJSON
import Foundation

/// What is changed of a job, on the command line.
struct EditOptions: ParsableArguments {
    @Option(name: .shortAndLong, help: "Other positional arguments: a JSON list.") var args: String?
    @Option(name: .shortAndLong, help: "Other keyword arguments: a JSON object.") var kwargs: String?
    @Option(help: ArgumentHelp("One keyword argument, its value in JSON; may be given several times.", valueName: "name=json")) var kwarg: [String] = []
    @Option(help: "Another queue.") var to: String?
    @Option(help: "Another priority, 0 (first) to 9.") var priority: Int?
    @Option(help: "Not before this ISO 8601 time; now: at once.") var eta: String?
    @Option(help: "Not before this time has passed: 90s, 5m, 2h, 3d.") var countdown: DurationArgument?
    @Option(help: "Not after this ISO 8601 time; never: whenever it is.") var expires: String?
    @Option(help: "How often it has been retried; 0 gives it all its attempts.") var retries: Int?
    @Option(help: "Anything that may be edited: an object as the editor shows it.") var patch: String?

    func validate() throws {
        if eta != nil && countdown != nil { throw ValidationError("--eta and --countdown contradict each other") }
        _ = try edits()
    }

    /// Whether something is to be changed.
    var isGiven: Bool {
        [args, kwargs, to, eta, expires, patch].contains { $0 != nil } || !kwarg.isEmpty || priority != nil || countdown != nil || retries != nil
    }

    /// The changes.
    struct Edits {
        fileprivate var members: [String: JSONValue] = [:]
        fileprivate var kwargs: [(name: String, value: JSONValue)] = []

        /// Makes the changes.
        ///
        /// - Throws: ``ApiumError`` `badArguments` for a value that no job can have.
        func apply(_ job: inout EditableJob) throws {
            if !members.isEmpty { try job.apply(.object(members)) }
            for (name, value) in kwargs { job.kwargs[name] = value }
        }
    }

    /// What is given, as changes of a job.
    func edits() throws -> Edits {
        var edits = Edits()
        if let patch {
            guard case .object(let members)? = try? JSONValue(parsing: patch) else {
                throw ValidationError("--patch is a JSON object, for example '{\"retries\": 0}'")
            }
            edits.members = members
        }
        if let args {
            guard let list = try? JSONValue(parsing: args), list.arrayValue != nil else { throw ValidationError("--args is a JSON list, for example '[2, 3]'") }
            edits.members["args"] = list
        }
        if let kwargs {
            guard let object = try? JSONValue(parsing: kwargs), object.objectValue != nil else {
                throw ValidationError("--kwargs is a JSON object, for example '{\"x\": 2}'")
            }
            edits.members["kwargs"] = object
        }
        for text in kwarg {
            let parts = text.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
            guard parts.count == 2, !parts[0].isEmpty, let value = try? JSONValue(parsing: parts[1]) else {
                throw ValidationError("--kwarg takes NAME=JSON, for example --kwarg product=7 or --kwarg 'name=\"Anna\"'; got '\(text.prefix(100))'")
            }
            edits.kwargs.append((parts[0], value))
        }
        if let to { edits.members["queue"] = .string(to) }
        if let priority { edits.members["priority"] = .int(Int64(priority)) }
        if let retries { edits.members["retries"] = .int(Int64(retries)) }
        if let eta { edits.members["eta"] = eta == "now" ? .null : .string(eta) }
        if let countdown { edits.members["eta"] = .string((Timestamp.now() + countdown.value).iso8601) }
        if let expires { edits.members["expires"] = expires == "never" ? .null : .string(expires) }
        return edits
    }
}
