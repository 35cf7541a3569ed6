/// Turns an `Encodable` value into a ``JSONValue``.
///
/// Integers beyond 64 bits and numbers that are not finite throw `EncodingError` with their path. A value that encodes
/// nothing becomes an empty object, as with Foundation's encoder.
public struct JSONValueEncoder: Sendable {
    /// Makes an encoder.
    public init() {}

    /// Encodes a value.
    public func encode<T: Encodable>(_ value: T) throws -> JSONValue {
        try ValueEncoder.encode(value, [])
    }
}

/// A place in the output that containers fill; a container handed out earlier may still grow, hence the reference.
private final class EncodingNode {
    enum Content {
        case empty
        case value(JSONValue)
        case array([Slot])
        case object([String: Slot])
    }

    enum Slot {
        case value(JSONValue)
        case node(EncodingNode)

        var json: JSONValue {
            switch self {
            case .value(let value): value
            case .node(let node): node.json
            }
        }
    }

    var content = Content.empty

    var json: JSONValue {
        switch content {
        case .empty: .object([:])
        case .value(let value): value
        case .array(let slots): .array(slots.map(\.json))
        case .object(let slots): .object(slots.mapValues(\.json))
        }
    }

    var count: Int { if case .array(let slots) = content { slots.count } else { 0 } }

    func append(_ slot: Slot) {
        var slots: [Slot] = if case .array(let existing) = content { existing } else { [] }
        content = .empty
        slots.append(slot)
        content = .array(slots)
    }

    func set(_ slot: Slot, forKey key: String) {
        var slots: [String: Slot] = if case .object(let existing) = content { existing } else { [:] }
        content = .empty
        slots[key] = slot
        content = .object(slots)
    }
}

private struct ValueEncoder: Encoder, SingleValueEncodingContainer {
    let node: EncodingNode
    let codingPath: [any CodingKey]
    var userInfo: [CodingUserInfoKey: Any] { [:] }

    static func encode<T: Encodable>(_ value: T, _ path: [any CodingKey]) throws -> JSONValue {
        if let direct = try leaf(value, path) { return direct }
        let node = EncodingNode()
        try value.encode(to: ValueEncoder(node: node, codingPath: path))
        return node.json
    }

    /// The value of a type that is one JSON value; `nil` for any other type.
    static func leaf<T: Encodable>(_ value: T, _ path: [any CodingKey]) throws -> JSONValue? {
        switch value {
        case let value as JSONValue: return value
        case let value as String: return .string(value)
        case let value as Int: return .int(Int64(value))
        case let value as Int64: return .int(value)
        case let value as Bool: return .bool(value)
        case let value as Double: return try number(value, value, path)
        // By its text, so that 0.1 stays 0.1.
        case let value as Float: return try number(Double(value.description) ?? Double(value), value, path)
        case let value as any FixedWidthInteger & Encodable: return try integer(value, path)
        default: return nil
        }
    }

    private static func number(_ value: Double, _ original: Any, _ path: [any CodingKey]) throws -> JSONValue {
        guard value.isFinite else {
            throw EncodingError.invalidValue(original, .init(codingPath: path, debugDescription: "JSON has no number that is not finite"))
        }
        return .double(value)
    }

    private static func integer(_ value: any FixedWidthInteger, _ path: [any CodingKey]) throws -> JSONValue {
        guard let fitting = Int64(exactly: value) else {
            throw EncodingError.invalidValue(value, .init(codingPath: path, debugDescription: "the integer does not fit 64 bits with sign"))
        }
        return .int(fitting)
    }

    func container<Key: CodingKey>(keyedBy _: Key.Type) -> KeyedEncodingContainer<Key> {
        if case .empty = node.content { node.content = .object([:]) }
        return KeyedEncodingContainer(KeyedNodeContainer<Key>(node: node, codingPath: codingPath))
    }

    func unkeyedContainer() -> any UnkeyedEncodingContainer {
        if case .empty = node.content { node.content = .array([]) }
        return UnkeyedNodeContainer(node: node, codingPath: codingPath)
    }

    func singleValueContainer() -> any SingleValueEncodingContainer { self }

    func encodeNil() throws { node.content = .value(.null) }

    func encode<T: Encodable>(_ value: T) throws { node.content = .value(try ValueEncoder.encode(value, codingPath)) }
}

private struct KeyedNodeContainer<Key: CodingKey>: KeyedEncodingContainerProtocol {
    let node: EncodingNode
    let codingPath: [any CodingKey]

    func encodeNil(forKey key: Key) throws { node.set(.value(.null), forKey: key.stringValue) }

    func encode<T: Encodable>(_ value: T, forKey key: Key) throws {
        node.set(.value(try ValueEncoder.encode(value, codingPath + [key])), forKey: key.stringValue)
    }

    func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type, forKey key: Key) -> KeyedEncodingContainer<NestedKey> {
        nested(key).container(keyedBy: type)
    }

    func nestedUnkeyedContainer(forKey key: Key) -> any UnkeyedEncodingContainer { nested(key).unkeyedContainer() }

    func superEncoder() -> any Encoder { nested(PathKey.super) }

    func superEncoder(forKey key: Key) -> any Encoder { nested(key) }

    private func nested(_ key: any CodingKey) -> ValueEncoder {
        let child = EncodingNode()
        node.set(.node(child), forKey: key.stringValue)
        return ValueEncoder(node: child, codingPath: codingPath + [key])
    }
}

private struct UnkeyedNodeContainer: UnkeyedEncodingContainer {
    let node: EncodingNode
    let codingPath: [any CodingKey]
    var count: Int { node.count }

    func encodeNil() throws { node.append(.value(.null)) }

    func encode<T: Encodable>(_ value: T) throws {
        node.append(.value(try ValueEncoder.encode(value, codingPath + [PathKey(intValue: count)])))
    }

    func nestedContainer<NestedKey: CodingKey>(keyedBy type: NestedKey.Type) -> KeyedEncodingContainer<NestedKey> { nested().container(keyedBy: type) }

    func nestedUnkeyedContainer() -> any UnkeyedEncodingContainer { nested().unkeyedContainer() }

    func superEncoder() -> any Encoder { nested() }

    private func nested() -> ValueEncoder {
        let path = codingPath + [PathKey(intValue: count)]
        let child = EncodingNode()
        node.append(.node(child))
        return ValueEncoder(node: child, codingPath: path)
    }
}
