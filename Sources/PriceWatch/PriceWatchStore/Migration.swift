import Crypto

/// One step of the schema: a file `NNNN_name.sql` whose first line is `-- migration NNNN name`, with a section that begins
/// with the line `-- up` and one that begins with `-- down`.
public struct Migration: Sendable, Hashable {
    /// Four digits; migrations run in this order.
    public let id: String
    /// Lower-case words joined by underscores.
    public let name: String
    /// What brings the schema forward.
    public let up: String
    /// What takes it back; empty when nothing can.
    public let down: String
    /// SHA-256 of the whole file, in hexadecimal.
    public let checksum: String

    /// Reads a file's bytes.
    ///
    /// - Throws: `StoreError` with code `malformedMigration`, saying what is missing.
    public init(bytes: [UInt8]) throws {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw StoreError(.malformedMigration, "a migration is no UTF-8 text") }
        let lines = text.split(separator: "\n", omittingEmptySubsequences: false)
        let words = (lines.first ?? "").split(separator: " ").map { String($0) }
        guard words.count == 4, words[0] == "--", words[1] == "migration", Self.isID(words[2]), Self.isName(words[3]) else {
            throw StoreError(.malformedMigration, "a migration's first line must be \"-- migration NNNN name\", not \"\((lines.first ?? "").prefix(80))\"")
        }
        (id, name) = (words[2], words[3])
        guard let upLine = lines.firstIndex(of: "-- up"), let downLine = lines.firstIndex(of: "-- down"), upLine < downLine else {
            throw StoreError(.malformedMigration, "migration \(words[2]) \(words[3]) needs a line \"-- up\" and after it a line \"-- down\"")
        }
        up = lines[(upLine + 1)..<downLine].joined(separator: "\n")
        down = lines[(downLine + 1)...].joined(separator: "\n")
        checksum = SHA256.hash(data: bytes).map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }

    /// Whether the text is four digits.
    static func isID(_ text: String) -> Bool { text.utf8.count == 4 && text.utf8.allSatisfy { (48...57).contains($0) } }

    /// Whether the text is lower-case words joined by underscores.
    static func isName(_ text: String) -> Bool {
        (1...60).contains(text.utf8.count) && text.utf8.allSatisfy { (97...122).contains($0) || (48...57).contains($0) || $0 == 95 }
    }

    /// Whether there is a way back.
    var isReversible: Bool {
        down.split(separator: "\n").contains { line in
            let text = line.drop { $0 == " " || $0 == "\t" }
            return !text.isEmpty && !text.hasPrefix("--")
        }
    }
}
