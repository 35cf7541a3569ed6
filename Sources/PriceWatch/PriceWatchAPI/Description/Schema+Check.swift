import DynamicJSON

/// A value that does not fit its schema.
struct Mismatch: Error, Equatable {
    /// The path to it: `options.countdown`, `args[2]`; empty for the whole value.
    var path: String
    /// What would be right.
    var reason: String
}

extension Schema {
    /// Checks a value and answers it in its plain form (`3.0` as the whole number 3).
    func check(_ value: JSONValue, at path: String = "") throws(Mismatch) -> JSONValue {
        switch self {
        case .string(let rule): return try Self.check(value, rule, path)
        case .choice(let choices):
            guard case .string(let text) = value, choices.contains(text) else {
                throw Mismatch(path: path, reason: "one of \(choices.joined(separator: ", "))")
            }
            return value
        case .integer(let range): return try Self.check(value, range, path)
        case .number(let range):
            guard let number = value.doubleValue, range.contains(number) else {
                throw Mismatch(path: path, reason: "a number from \(range.lowerBound) to \(range.upperBound)")
            }
            return value
        case .boolean:
            guard case .bool = value else { throw Mismatch(path: path, reason: "true or false") }
            return value
        case .array(let element, let count): return try Self.check(value, element, count, path)
        case .object(let properties): return try Self.check(value, properties, path)
        case .map(let most):
            guard case .object(let members) = value, members.count <= most else { throw Mismatch(path: path, reason: "an object of at most \(most) members") }
            return value
        case .nullable(let schema): return value.isNull ? value : try schema.check(value, at: path)
        case .oneOf(let schemas, _):
            for schema in schemas { if let checked = try? schema.check(value, at: path) { return checked } }
            throw Mismatch(path: path, reason: "one of the described forms")
        case .any: return value
        case .named(let type): return try type.schema.check(value, at: path)
        }
    }

    private static func check(_ value: JSONValue, _ rule: StringRule, _ path: String) throws(Mismatch) -> JSONValue {
        guard case .string(let text) = value else { throw Mismatch(path: path, reason: "a text") }
        guard rule.length.contains(text.unicodeScalars.count) else {
            throw Mismatch(path: path, reason: "a text of \(rule.length.lowerBound) to \(rule.length.upperBound) characters")
        }
        guard rule.alphabet.admits(text) else { throw Mismatch(path: path, reason: "a text \(rule.alphabet.words)") }
        return value
    }

    private static func check(_ value: JSONValue, _ range: ClosedRange<Int64>, _ path: String) throws(Mismatch) -> JSONValue {
        let number: Int64? =
            switch value {
            case .int(let number): number
            case .double(let number): Int64(exactly: number)
            default: nil
            }
        guard let number, range.contains(number) else {
            throw Mismatch(path: path, reason: "a whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return .int(number)
    }

    private static func check(_ value: JSONValue, _ element: Schema, _ count: ClosedRange<Int>, _ path: String) throws(Mismatch) -> JSONValue {
        guard case .array(let elements) = value, count.contains(elements.count) else {
            throw Mismatch(path: path, reason: "a list of \(count.lowerBound) to \(count.upperBound) elements")
        }
        var checked: [JSONValue] = []
        for (index, item) in elements.enumerated() { checked.append(try element.check(item, at: "\(path)[\(index)]")) }
        return .array(checked)
    }

    private static func check(_ value: JSONValue, _ properties: [Property], _ path: String) throws(Mismatch) -> JSONValue {
        guard case .object(let members) = value else { throw Mismatch(path: path, reason: "an object") }
        func inner(_ name: String) -> String { path.isEmpty ? name : "\(path).\(name)" }
        let known = Set(properties.map(\.name))
        if let unknown = members.keys.sorted().first(where: { !known.contains($0) }) {
            let names = properties.map(\.name).joined(separator: ", ")
            throw Mismatch(path: inner(String(unknown.prefix(64))), reason: "no such field; the fields are \(names)")
        }
        var checked: [String: JSONValue] = [:]
        for property in properties {
            if let member = members[property.name] {
                checked[property.name] = try property.schema.check(member, at: inner(property.name))
            } else if property.isRequired {
                throw Mismatch(path: inner(property.name), reason: "required")
            }
        }
        return .object(checked)
    }

    /// Reads the text of a path or query parameter; `nil` for a text that cannot be of this kind at all.
    func parse(_ text: String) -> JSONValue? {
        switch self {
        case .integer:
            // The canonical form only: no plus sign, no leading zeros, no blanks.
            return Int64(text).flatMap { String($0) == text ? .int($0) : nil }
        case .number: return Double(text).flatMap { $0.isFinite ? .double($0) : nil }
        case .boolean: return text == "true" ? .bool(true) : text == "false" ? .bool(false) : nil
        case .nullable(let schema): return schema.parse(text)
        case .named(let type): return type.schema.parse(text)
        default: return .string(text)
        }
    }
}
