import ApiumCore
import DynamicJSON
import Yams

/// A settings file as it stands: names with values and lines.
struct SettingsDocument {
    struct Entry {
        let name: String
        let value: JSONValue
        let line: Int
    }

    let entries: [Entry]

    /// - Throws: ``ApiumError`` `invalidConfiguration` when the text is no YAML map.
    init(yaml text: String, name: String) throws {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw ApiumError(.invalidConfiguration, "\(name) is no YAML\(Self.place(of: error))")
        }
        guard let root, root != Node("") else {
            entries = []
            return
        }
        guard case .mapping(let map) = root else {
            throw ApiumError(.invalidConfiguration, "\(name) is a map from setting to value")
        }
        entries = map.map { key, value in
            let name = key.string ?? ""
            return Entry(name: name, value: Self.value(of: name, value), line: key.mark?.line ?? 0)
        }
    }

    /// Where it is and what; never the line itself, in which a password may stand.
    private static func place(of error: any Error) -> String {
        switch error as? YamlError {
        case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _), .composer(_, let problem, let mark, _):
            ": line \(mark.line), column \(mark.column): \(problem)"
        case .reader(let problem, _, _, _): ": \(problem)"
        case .duplicatedKeysInMapping(let keys, _): ": it has \(keys.joined(separator: ", ")) twice"
        default: ""
        }
    }

    /// Reads a structured text of the environment: YAML, and so JSON.
    /// - Throws: ``SettingFault``.
    static func value(of name: String, text: String) throws -> JSONValue {
        do {
            return try Yams.compose(yaml: text).map { value(of: name, $0) } ?? .null
        } catch {
            throw SettingFault("is no JSON and no YAML")
        }
    }

    /// The order of a map's keys counts in `task_routes` alone: there each table becomes a list of pairs.
    private static func value(of name: String, _ node: Node) -> JSONValue {
        guard name == "task_routes" else { return json(node) }
        switch node {
        case .mapping: return .array([pairs(node)])
        case .sequence(let list) where list.allSatisfy({ isPair($0) }) && !list.isEmpty: return .array([json(node)])
        case .sequence(let list): return .array(list.map(pairs))
        default: return json(node)
        }
    }

    private static func pairs(_ node: Node) -> JSONValue {
        guard case .mapping(let map) = node else { return json(node) }
        return .array(map.map { .array([.string($0.string ?? ""), json($1)]) })
    }

    private static func isPair(_ node: Node) -> Bool {
        if case .sequence(let parts) = node { parts.count == 2 && parts.first?.scalar != nil } else { false }
    }

    private static func json(_ node: Node, depth: Int = 0) -> JSONValue {
        guard depth < 32 else { return .null }
        switch node {
        case .mapping(let map):
            return .object(Dictionary(map.map { ($0.string ?? "", json($1, depth: depth + 1)) }) { _, last in last })
        case .sequence(let list): return .array(list.map { json($0, depth: depth + 1) })
        case .scalar(let scalar):
            guard scalar.style == .plain else { return .string(scalar.string) }
            if node.null != nil { return .null }
            if let flag = node.bool { return .bool(flag) }
            if let number = node.int { return .int(Int64(number)) }
            if let number = node.float { return .double(number) }
            return .string(scalar.string)
        case .alias: return .null
        }
    }
}
