import Apium
import DynamicJSON
import Foundation

/// A job in the person's own editor.
enum JobEditor {
    /// Opens a value in `$VISUAL`, else `$EDITOR`, else vi, and reads what was saved.
    ///
    /// - Throws: ``ApiumError`` `badArguments` when there is no terminal, the editor fails, or what was saved is no JSON: the file is then kept, and named.
    static func edit(_ value: JSONValue, id: String) async throws -> JSONValue {
        guard Terminal.isInteractive else {
            throw ApiumError(.badArguments, "an editor needs a terminal; in a script say what to change, for example --kwargs '{\"x\": 2}'")
        }
        let name = String(id.map { $0.isLetter || $0.isNumber || $0 == "-" ? $0 : "_" }.prefix(80))
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apium-\(UUID().uuidString)")
        let file = folder.appendingPathComponent("\(name).json")
        do {
            // Arguments may be secrets: nobody else reads them.
            try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false, attributes: [.posixPermissions: 0o700])
            try Data(value.indented.utf8).write(to: file)
        } catch {
            throw ApiumError(.badArguments, "\(file.path) cannot be written", underlying: error)
        }
        let environment = ProcessInfo.processInfo.environment
        let editor = [environment["VISUAL"], environment["EDITOR"]].compactMap { $0 }.first { !$0.isEmpty } ?? "vi"
        let status = await OwnThread.run { run("\(editor) \"$0\"", file.path) }
        guard status == 0 else {
            try? FileManager.default.removeItem(at: folder)
            throw ApiumError(.badArguments, "the editor '\(editor)' ended with code \(status): nothing is changed")
        }
        let edited: JSONValue
        do { edited = try JSONValue(parsing: Array(try Data(contentsOf: file))) } catch {
            throw ApiumError(.badArguments, "what was saved is no JSON; nothing is changed, and it is kept in \(file.path)", underlying: error)
        }
        try? FileManager.default.removeItem(at: folder)
        return edited
    }

    /// Runs a command of the shell in the foreground of this terminal, and answers its exit code. Blocks.
    private static func run(_ command: String, _ argument: String) -> Int32 {
        let texts: [String] = ["/bin/sh", "-c", command, argument]
        let words: [UnsafeMutablePointer<CChar>?] = texts.map { strdup($0) } + [nil]
        let settings = ProcessInfo.processInfo.environment.map { "\($0.key)=\($0.value)" }
        let environment: [UnsafeMutablePointer<CChar>?] = settings.map { strdup($0) } + [nil]
        defer { for word in words + environment { free(word) } }
        var pid: pid_t = 0
        let started = posix_spawn(&pid, "/bin/sh", nil, nil, words, environment)
        guard started == 0 else { return started }
        var status: Int32 = 0
        while waitpid(pid, &status, 0) < 0 && errno == EINTR {}
        let signal = status & 0x7f
        return signal == 0 ? (status >> 8) & 0xff : 128 + signal
    }
}

extension JSONValue {
    /// The value as people edit it: a member of the object on each line.
    var indented: String {
        guard case .object(let members) = self else { return text + "\n" }
        let lines = members.sorted { $0.key < $1.key }.map { "  \(JSONValue.string($0.key).text): \($0.value.text)" }
        return "{\n" + lines.joined(separator: ",\n") + "\n}\n"
    }
}
