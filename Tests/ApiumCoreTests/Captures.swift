import DynamicJSON
import Foundation
import Testing

/// Lines captured from Celery; see Tests/Fixtures/celery/README.md.
struct Capture: Sendable, CustomTestStringConvertible {
    let name: String
    let bytes: [UInt8]
    /// What Python reads from it.
    let expected: JSONValue?

    var testDescription: String { name }

    /// Whether a worker of ours reads it.
    var isReadable: Bool { !name.hasPrefix("refused") && !["lzma", "brotli", "pickle"].contains { name.hasSuffix(", \($0)") } }

    static let messages = load("messages")
    static let results = load("results").filter { $0.name != "saved group" }

    private static func load(_ name: String, file: String = #filePath) -> [Capture] {
        let url = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("../Fixtures/celery/\(name).jsonl")
        guard let data = try? Data(contentsOf: url) else { return [] }
        return data.split(separator: UInt8(ascii: "\n")).compactMap { line in
            guard let value = try? JSONValue(parsing: Array(line)), let name = value["name"]?.stringValue else { return nil }
            let text = value["text"]?.stringValue.map { Array($0.utf8) }
            let binary = value["base64"]?.stringValue.flatMap { Data(base64Encoded: $0) }.map { Array($0) }
            return Capture(name: name, bytes: text ?? binary ?? [], expected: value["expect"])
        }
    }
}
