import ApiumCore
import DynamicJSON

/// Python's operators on JSON values: numbers promote, texts and lists are joined, anything else is a `TypeError`.
enum PythonArithmetic {
    /// `left + right`.
    static func add(_ left: JSONValue, _ right: JSONValue) throws -> JSONValue {
        switch (left, right) {
        case (.string(let left), .string(let right)): return .string(left + right)
        case (.array(let left), .array(let right)): return .array(left + right)
        default: return try numbers("+", left, right, whole: { $0.addingReportingOverflow($1) }, fraction: { $0 + $1 })
        }
    }

    /// `left * right`, of numbers.
    static func multiply(_ left: JSONValue, _ right: JSONValue) throws -> JSONValue {
        try numbers("*", left, right, whole: { $0.multipliedReportingOverflow(by: $1) }, fraction: { $0 * $1 })
    }

    /// `sum(values)`.
    static func sum(_ values: JSONValue) throws -> JSONValue {
        guard case .array(let elements) = values else {
            throw JobFailure(type: "TypeError", arguments: [.string("'\(typeName(values))' object is not iterable")])
        }
        return try elements.reduce(.int(0)) { try add($0, $1) }
    }

    /// Whether a value counts as true.
    static func isTrue(_ value: JSONValue) -> Bool {
        switch value {
        case .null: false
        case .bool(let flag): flag
        case .int(let number): number != 0
        case .double(let number): number != 0
        case .string(let text): !text.isEmpty
        case .array(let elements): !elements.isEmpty
        case .object(let members): !members.isEmpty
        }
    }

    private static func numbers(
        _ sign: String, _ left: JSONValue, _ right: JSONValue, whole: (Int64, Int64) -> (partialValue: Int64, overflow: Bool),
        fraction: (Double, Double) -> Double
    ) throws -> JSONValue {
        if let left = wholeNumber(left), let right = wholeNumber(right) {
            let (value, overflow) = whole(left, right)
            guard !overflow else { throw JobFailure(type: "OverflowError", arguments: [.string("\(left) \(sign) \(right) does not fit 64 bits")]) }
            return .int(value)
        }
        guard let first = left.doubleValue, let second = right.doubleValue else {
            throw JobFailure(
                type: "TypeError", arguments: [.string("unsupported operand type(s) for \(sign): '\(typeName(left))' and '\(typeName(right))'")])
        }
        return .double(fraction(first, second))
    }

    private static func wholeNumber(_ value: JSONValue) -> Int64? {
        if case .bool(let flag) = value { flag ? 1 : 0 } else { value.intValue }
    }

    private static func typeName(_ value: JSONValue) -> String {
        switch value {
        case .null: "NoneType"
        case .bool: "bool"
        case .int: "int"
        case .double: "float"
        case .string: "str"
        case .array: "list"
        case .object: "dict"
        }
    }
}
