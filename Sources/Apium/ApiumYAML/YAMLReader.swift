import ApiumCore
import DynamicJSON
import Yams

/// Reads one YAML document as PyYAML's `safe_load` does.
enum YAMLReader {
    /// Arrays and objects are nested at most so deep, as in JSON.
    private static let depthLimit = 128

    static func value(of bytes: [UInt8]) throws -> JSONValue {
        guard let text = String(validating: bytes, as: UTF8.self) else { throw YAMLContentError("the text is not UTF-8") }
        try AliasGuard.check(bytes)
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            // Yams' errors quote the text, which may be secret.
            throw YAMLContentError("the text does not follow YAML's grammar, or a key comes twice in one mapping")
        }
        guard let root else { return .null }
        // Aliases repeat what they name: more values than bytes, and more than a million, come of nothing but a trap.
        var reader = Reader(left: max(bytes.count, 1_000_000))
        return try reader.value(of: root, depth: 0)
    }

    private struct Reader {
        /// How many more values may come.
        var left: Int

        mutating func value(of node: Node, depth: Int) throws -> JSONValue {
            left -= 1
            guard left >= 0 else { throw YAMLContentError("its aliases make more values of it than are accepted") }
            guard depth <= depthLimit else { throw YAMLContentError("it is nested deeper than \(depthLimit) levels") }
            switch node {
            case .scalar(let scalar): return try YAMLScalar.value(of: scalar)
            case .sequence(let sequence):
                try check(sequence.tag, "tag:yaml.org,2002:seq")
                return .array(try sequence.map { try value(of: $0, depth: depth + 1) })
            case .mapping(let mapping): return .object(try members(of: mapping, depth: depth))
            case .alias: throw YAMLContentError("an alias names nothing")
            }
        }

        /// A tag that nobody wrote reads as an empty text or "!".
        private func check(_ tag: Tag, _ own: String) throws {
            guard ["", "!", own].contains(tag.description) else {
                throw YAMLContentError("the tag '\(tag.description.prefix(100))' is not one that a serialiser writes")
            }
        }

        private mutating func members(of mapping: Node.Mapping, depth: Int) throws -> [String: JSONValue] {
            try check(mapping.tag, "tag:yaml.org,2002:map")
            var members: [String: JSONValue] = [:]
            for (key, node) in mapping {
                guard case .scalar(let scalar) = key else { throw YAMLContentError("a key is a collection; only scalars can be keys") }
                if scalar.string == "<<", scalar.style == .plain { throw YAMLContentError("it merges mappings (<<), which no serialiser writes") }
                members[try YAMLScalar.key(of: scalar)] = try value(of: node, depth: depth + 1)
            }
            return members
        }
    }
}

/// Why a text is not accepted as YAML. It never quotes the text.
struct YAMLContentError: Error, CustomStringConvertible {
    var description: String

    init(_ description: String) { self.description = description }
}

/// Yams compares the keys of each mapping; were a key an alias of aliases of aliases, that would never end. No serialiser
/// writes collections as keys, so a document that has both aliases and keys that may be collections is refused.
enum AliasGuard {
    static func check(_ bytes: [UInt8]) throws {
        guard hasAlias(bytes) else { return }
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "?") where isSpace(bytes, index + 1) && isBoundary(bytes, index - 1): throw refusal
            case UInt8(ascii: "*") where isBoundary(bytes, index - 1):
                while index < bytes.count, !isSpace(bytes, index), !",[]{}".utf8.contains(bytes[index]) { index += 1 }
                if colonFollows(bytes, index) { throw refusal }
                continue
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                if colonFollows(bytes, index + 1) { throw refusal }
            default: break
            }
            index += 1
        }
    }

    private static let refusal = YAMLContentError("it has aliases and collections as keys, or looks like it")

    private static func hasAlias(_ bytes: [UInt8]) -> Bool {
        bytes.indices.contains { bytes[$0] == UInt8(ascii: "*") && isBoundary(bytes, $0 - 1) && !isSpace(bytes, $0 + 1) }
    }

    private static func isSpace(_ bytes: [UInt8], _ index: Int) -> Bool {
        guard bytes.indices.contains(index) else { return true }
        return [0x20, 0x09, 0x0A, 0x0D].contains(bytes[index])
    }

    /// Whether a token may begin behind this place.
    private static func isBoundary(_ bytes: [UInt8], _ index: Int) -> Bool {
        isSpace(bytes, index) || "[{,:?-".utf8.contains(bytes[index])
    }

    private static func colonFollows(_ bytes: [UInt8], _ start: Int) -> Bool {
        var index = start
        while index < bytes.count, isSpace(bytes, index) { index += 1 }
        return index < bytes.count && bytes[index] == UInt8(ascii: ":")
    }
}
