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
