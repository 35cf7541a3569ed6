import ApiumCore
import DynamicJSON
import Foundation
import Randomness

/// Messages captured from Celery; see Tests/Fixtures/kombu/README.md.
enum Fixtures {
    static let names = [
        "callbacks", "chain", "compressed", "custom-headers", "eta-expires-limits", "group-of-one", "long-argument", "pickle", "plain", "protocol-1",
        "protocol-1-eta", "stamped", "tagged-values", "transient", "unicode-priority", "utf8-body",
    ]

    static func bytes(_ name: String, file: String = #filePath) throws -> [UInt8] {
        let url = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("../Fixtures/kombu/\(name).json")
        return Array(try Data(contentsOf: url))
    }

    static func message(_ name: String) throws -> Message { try Message(decoding: bytes(name)) }
}

/// What the tests of messages and results draw.
extension SplitMix {
    /// One in two.
    mutating func coin() -> Bool { next() & 1 == 0 }

    /// A text of random characters from all planes, control characters among them.
    mutating func text() -> String {
        var scalars = String.UnicodeScalarView()
        for _ in 0..<below(12) {
            if let scalar = Unicode.Scalar(UInt32(below([0x80, 0x20, 0x800, 0x11_0000][below(4)]))) { scalars.append(scalar) }
        }
        return String(scalars)
    }

    /// A text without NUL, because jansson takes none in keys.
    mutating func key() -> String { text().filter { $0 != "\0" } }

    mutating func json(depth: Int = 3) -> JSONValue {
        switch below(depth > 0 ? 7 : 5) {
        case 0: return .null
        case 1: return .bool(coin())
        case 2: return .int(Int64(bitPattern: next()) >> Int64(below(64)))
        case 3: return .double(Double(Int64(bitPattern: next())) / Double(1 + below(1_000_000)))
        case 4: return .string(text())
        case 5: return .array(array { $0.json(depth: depth - 1) })
        default: return .object(object(depth: depth - 1))
        }
    }

    mutating func object(depth: Int) -> [String: JSONValue] {
        Dictionary(array { ($0.key(), $0.json(depth: depth)) }, uniquingKeysWith: { $1 })
    }

    mutating func array<T>(_ element: (inout SplitMix) -> T) -> [T] {
        var list: [T] = []
        for _ in 0..<below(4) { list.append(element(&self)) }
        return list
    }

    mutating func maybe<T>(_ value: (inout SplitMix) -> T) -> T? { coin() ? value(&self) : nil }
}

/// The code an operation's `ApiumError` has; `nil` when it throws none.
func code<T>(_ operation: () throws -> T) -> ApiumError.Code? {
    do {
        _ = try operation()
        return nil
    } catch {
        return (error as? ApiumError)?.code
    }
}
