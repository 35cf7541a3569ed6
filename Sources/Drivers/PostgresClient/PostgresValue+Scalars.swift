extension UnsafeRawBufferPointer {
    /// The bytes as text; nil when they are no UTF-8.
    var utf8Text: String? { String(validating: self, as: UTF8.self) }
}

extension PostgresDecodable where Self: FixedWidthInteger {
    /// Reads decimal digits; nil for anything that does not fit.
    public static func decodePostgres(_ text: UnsafeRawBufferPointer?) -> Self? { text?.utf8Text.flatMap { Self($0) } }
}

extension PostgresEncodable where Self: FixedWidthInteger {
    /// Appends decimal digits.
    public func encodePostgres(into bytes: inout [UInt8]) { bytes.append(contentsOf: String(self).utf8) }
}

extension Int64: PostgresEncodable, PostgresDecodable {
    /// `bigint`.
    public static var postgresType: PostgresType { .int8 }
}

extension Int: PostgresEncodable, PostgresDecodable {
    /// `bigint`.
    public static var postgresType: PostgresType { .int8 }
}

extension Int32: PostgresEncodable, PostgresDecodable {
    /// `integer`.
    public static var postgresType: PostgresType { .int4 }
}

extension Double: PostgresEncodable, PostgresDecodable {
    /// `double precision`.
    public static var postgresType: PostgresType { .float8 }
    /// Appends the shortest text that reads back as the same number.
    public func encodePostgres(into bytes: inout [UInt8]) { bytes.append(contentsOf: description.utf8) }
    /// Reads a number, `NaN` or `Infinity`.
    public static func decodePostgres(_ text: UnsafeRawBufferPointer?) -> Double? { text?.utf8Text.flatMap { Double($0) } }
}

extension Bool: PostgresEncodable, PostgresDecodable {
    /// `boolean`.
    public static var postgresType: PostgresType { .bool }
    /// Appends `t` or `f`.
    public func encodePostgres(into bytes: inout [UInt8]) { bytes.append(UInt8(ascii: self ? "t" : "f")) }
    /// Reads `t` or `f`.
    public static func decodePostgres(_ text: UnsafeRawBufferPointer?) -> Bool? {
        guard let text, text.count == 1 else { return nil }
        return text[0] == UInt8(ascii: "t") ? true : text[0] == UInt8(ascii: "f") ? false : nil
    }
}

extension String: PostgresEncodable, PostgresDecodable {
    /// Inferred by the server: the same text fits `text`, an enum, a date or an interval.
    public static var postgresType: PostgresType { .inferred }
    /// Appends UTF-8.
    public func encodePostgres(into bytes: inout [UInt8]) { bytes.append(contentsOf: utf8) }
    /// Reads any type's text.
    public static func decodePostgres(_ text: UnsafeRawBufferPointer?) -> String? { text?.utf8Text }
}

/// JSON as text; this module neither reads nor checks it, the server does.
public struct PostgresJSON: PostgresEncodable, PostgresDecodable, Hashable {
    /// The JSON text.
    public var text: String

    /// Wraps JSON text.
    public init(_ text: String) { self.text = text }

    /// `jsonb`.
    public static var postgresType: PostgresType { .jsonb }
    /// Appends the text.
    public func encodePostgres(into bytes: inout [UInt8]) { bytes.append(contentsOf: text.utf8) }
    /// Reads the text.
    public static func decodePostgres(_ text: UnsafeRawBufferPointer?) -> PostgresJSON? { text?.utf8Text.map { PostgresJSON($0) } }
}
