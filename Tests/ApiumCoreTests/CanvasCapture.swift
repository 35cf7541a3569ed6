import ApiumCore
import DynamicJSON
import Foundation
import Synchronization
import Testing

/// Canvases and what Celery makes of them: Tests/Fixtures/celery/canvas.json, written by capture_canvas.py beside it.
struct CanvasCapture {
    let now: Timestamp
    let cases: [Case]

    struct Case: CustomTestStringConvertible, Sendable {
        let json: JSONValue
        var name: String { json["name"]?.stringValue ?? "?" }
        var kind: String { json["kind"]?.stringValue ?? "?" }
        var testDescription: String { "\(kind): \(name)" }

        var signature: Signature {
            get throws { try Signature(json: json["signature"] ?? .null) }
        }
    }

    /// Read once.
    private static let shared = Result { try read() }

    static func load() throws -> CanvasCapture { try shared.get() }

    private static func read(file: String = #filePath) throws -> CanvasCapture {
        let url = URL(fileURLWithPath: file).deletingLastPathComponent().appendingPathComponent("../Fixtures/celery/canvas.json")
        let json = try JSONValue(parsing: Array(try Data(contentsOf: url)))
        let now = try #require(json["now"]?.stringValue.flatMap { Timestamp(iso8601: $0) })
        return CanvasCapture(now: now, cases: (json["cases"]?.arrayValue ?? []).map { Case(json: $0) })
    }

    static func cases(_ kinds: String...) -> [Case] { (try? load().cases.filter { kinds.contains($0.kind) }) ?? [] }
}

/// Makes ids that are known as such, as the capture does; which thing gets which number differs, so both sides are renamed before they are compared.
func countedIDs() -> @Sendable () -> String {
    let counter = Counter()
    return { counter.next() }
}

private final class Counter: Sendable {
    private let value = Mutex(0)
    func next() -> String {
        value.withLock {
            $0 += 1
            return "id-ours-\($0)"
        }
    }
}

extension JSONValue {
    /// The value with its ids numbered in the order in which they are met.
    func renamed() -> JSONValue {
        var names: [String: String] = [:]
        return renamed(&names)
    }

    private func renamed(_ names: inout [String: String]) -> JSONValue {
        switch self {
        case .string(let text) where text.hasPrefix("id-"):
            let name = names[text] ?? "#\(names.count + 1)"
            names[text] = name
            return .string(name)
        case .array(let list): return .array(list.map { $0.renamed(&names) })
        case .object(let members):
            var result: [String: JSONValue] = [:]
            for key in members.keys.sorted() { result[key] = members[key]?.renamed(&names) }
            return .object(result)
        default: return self
        }
    }

    /// The value without nulls in the options of signatures, which mean nothing, and without what concerned the sending process.
    func withoutNullOptions() -> JSONValue {
        switch self {
        case .array(let list): return .array(list.map { $0.withoutNullOptions() })
        case .object(var members):
            for (key, value) in members { members[key] = value.withoutNullOptions() }
            // Sets in Celery.
            if let names = members["stamped_headers"]?.arrayValue { members["stamped_headers"] = .array(names.sorted { $0.text < $1.text }) }
            if members["task"] != nil, case .object(let options)? = members["options"] {
                members["options"] = .object(options.filter { !$0.value.isNull && $0.key != "add_to_parent" })
            }
            return .object(members)
        default: return self
        }
    }

    /// A result tuple without the parents in it.
    func withoutParents() -> JSONValue {
        guard let id = self[0]?[0] else { return self }
        return [[id], self[1]?.arrayValue.map { .array($0.map { $0.withoutParents() }) } ?? .null]
    }

    /// A list of chords whose saved groups have no parents in them.
    func withoutParentsOfSaved() -> JSONValue {
        .array(
            (arrayValue ?? []).map { chord in
                var members = chord.objectValue ?? [:]
                members["saved"] = members["saved"]?.withoutParents()
                return .object(members)
            })
    }

    /// Where two values differ, for people.
    func differences(from expected: JSONValue, at path: String = "") -> [String] {
        switch (self, expected) {
        case (.object(let mine), .object(let theirs)):
            return Set(mine.keys).union(theirs.keys).sorted().flatMap { key -> [String] in
                guard let left = mine[key] else { return ["\(path).\(key): missing, expected \(theirs[key]?.text.prefix(300) ?? "")"] }
                guard let right = theirs[key] else { return ["\(path).\(key): unexpected \(left.text.prefix(300))"] }
                return left.differences(from: right, at: "\(path).\(key)")
            }
        case (.array(let mine), .array(let theirs)) where mine.count == theirs.count:
            return zip(mine, theirs).enumerated().flatMap { index, pair in pair.0.differences(from: pair.1, at: "\(path)[\(index)]") }
        default: return self == expected ? [] : ["\(path): \(text.prefix(400)), expected \(expected.text.prefix(400))"]
        }
    }
}

extension DispatchPlan {
    /// The plan in the form of the capture.
    func captured() throws -> [String: JSONValue] {
        [
            "messages": .array(try messages.map { try $0.captured() }),
            "chords": .array(chords.map { ["group": .string($0.group), "size": .int(Int64($0.size)), "saved": $0.savedGroup ?? .null] }),
            "children": .array(children.map(\.json)), "result": result?.json ?? .null,
        ]
    }
}

extension Outgoing {
    fileprivate func captured() throws -> JSONValue {
        let envelope = try JSONValue(parsing: message.encoded()).completedEnvelope
        var headers = envelope["headers"]?.objectValue ?? [:]
        for name in ["lang", "origin", "argsrepr", "kwargsrepr"] { headers[name] = nil }
        var properties = envelope["properties"]?.objectValue ?? [:]
        for name in ["correlation_id", "reply_to", "delivery_mode", "delivery_info", "body_encoding", "delivery_tag"] { properties[name] = nil }
        return [
            "queue": .string(queue), "headers": .object(headers), "properties": .object(properties),
            "body": try JSONValue(parsing: message.body.bytes).completedBody,
        ]
    }
}
