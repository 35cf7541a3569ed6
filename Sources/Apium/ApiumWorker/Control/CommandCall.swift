import ApiumCore
import DynamicJSON

/// One call of a control command: its arguments, checked as Python checks a function's.
struct CommandCall: Sendable {
    /// The command's name, for errors.
    var command: String
    /// The keyword arguments.
    var arguments: [String: JSONValue]

    /// An argument; `nil` when it is missing or `null`.
    subscript(_ name: String) -> JSONValue? {
        guard let value = arguments[name], !value.isNull else { return nil }
        return value
    }

    /// Whether an argument is true as Python takes it: not empty, not zero.
    func isTrue(_ name: String) -> Bool {
        switch arguments[name] {
        case nil, .null?, .bool(false)?, .int(0)?, .double(0)?: false
        case .string(let text)?: !text.isEmpty
        case .array(let list)?: !list.isEmpty
        case .object(let members)?: !members.isEmpty
        default: true
        }
    }

    /// A text argument that must be there.
    func text(_ name: String) throws -> String {
        guard let text = self[name]?.stringValue else { throw typeError("\(command)() argument '\(name)' must be a text") }
        return text
    }

    /// An integer, also as text, as the command line sends it.
    func integer(_ name: String, default fallback: Int) throws -> Int {
        switch self[name] {
        case nil: return fallback
        case .int(let number)?: return Int(number)
        case .string(let text)?:
            if let number = Int(text) { return number }
            fallthrough
        default: throw valueError(name, "a whole number")
        }
    }

    /// Seconds, also as text; `nil` when it is missing or zero.
    func seconds(_ name: String) throws -> Duration? {
        guard let value = self[name] else { return nil }
        guard let number = value.doubleValue ?? value.stringValue.flatMap(Double.init), number.isFinite, number >= 0, number < 1e9 else {
            throw valueError(name, "a number of seconds")
        }
        return number == 0 ? nil : .seconds(number)
    }

    /// One text or a list of texts.
    func texts(_ name: String) -> [String] {
        switch self[name] {
        case .string(let text)?: [text]
        case .array(let list)?: list.compactMap(\.stringValue)
        default: []
        }
    }

    /// Checks the arguments against what the command takes.
    ///
    /// - Throws: ``JobFailure`` `TypeError`, worded as Python's.
    func check(required: [String], optional: [String], takesOthers: Bool) throws {
        if !takesOthers, let unexpected = arguments.keys.sorted().first(where: { !required.contains($0) && !optional.contains($0) }) {
            throw typeError("\(command)() got an unexpected keyword argument '\(unexpected)'")
        }
        let missing = required.filter { arguments[$0] == nil }.map { "'\($0)'" }
        guard let last = missing.last else { return }
        let list = missing.count == 1 ? last : missing.dropLast().joined(separator: ", ") + (missing.count > 2 ? "," : "") + " and \(last)"
        throw typeError("\(command)() missing \(missing.count) required positional argument\(missing.count == 1 ? "" : "s"): \(list)")
    }

    /// What is wrong with an argument's value.
    func valueError(_ name: String, _ expected: String) -> JobFailure {
        JobFailure(type: "ValueError", arguments: [.string("\(command)() argument '\(name)' must be \(expected)")])
    }

    private func typeError(_ text: String) -> JobFailure { JobFailure(type: "TypeError", arguments: [.string(text)]) }
}

/// What a command answers.
enum CommandAnswer: Sendable {
    /// This value; `null` is an answer, too.
    case reply(JSONValue)
    /// Nothing, even when somebody waits.
    case silence

    static func ok(_ value: JSONValue) -> CommandAnswer { .reply(["ok": value]) }
    static func refused(_ text: String) -> CommandAnswer { .reply(["error": .string(text)]) }
}
