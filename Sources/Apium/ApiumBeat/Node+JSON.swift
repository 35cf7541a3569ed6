import DynamicJSON
import Yams

extension Node {
    /// The node as JSON; `nil` for what JSON has no word for.
    var json: JSONValue? {
        switch self {
        case .mapping(let map):
            var object: [String: JSONValue] = [:]
            for (key, value) in map {
                guard let name = key.string, let value = value.json else { return nil }
                object[name] = value
            }
            return .object(object)
        case .sequence(let list):
            let values = list.compactMap(\.json)
            return values.count == list.count ? .array(values) : nil
        case .scalar(let scalar):
            // Quoted text stays text; plain scalars are read by YAML's core rules.
            if scalar.style == .doubleQuoted || scalar.style == .singleQuoted { return .string(scalar.string) }
            if null != nil { return .null }
            if let value = int { return .int(Int64(value)) }
            if let value = float { return .double(value) }
            if let value = bool { return .bool(value) }
            return .string(scalar.string)
        case .alias: return nil
        }
    }
}

extension Node {
    /// A JSON value as a node, so that a definition that comes as JSON is read by the same rules as a file.
    init(_ value: JSONValue) {
        switch value {
        case .object(let object): self = .mapping(Mapping(object.sorted { $0.key < $1.key }.map { (Node($0.key), Node($0.value)) }))
        case .array(let list): self = .sequence(Sequence(list.map { Node($0) }))
        case .string(let text): self = .scalar(Scalar(text, Tag(.implicit), .doubleQuoted))
        default: self = .scalar(Scalar(value.text, Tag(.implicit), .plain))
        }
    }
}
