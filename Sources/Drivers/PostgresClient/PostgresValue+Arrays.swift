/// What may be the element of an array: bytes make a `bytea`, the others the server's arrays.
public protocol PostgresArrayElement: Sendable {
    /// The array's type.
    static var postgresArrayType: PostgresType { get }
    /// Appends the whole array.
    static func encodePostgresArray(_ elements: [Self], into bytes: inout [UInt8])
    /// Reads the whole array.
    static func decodePostgresArray(_ text: UnsafeRawBufferPointer) -> [Self]?
}

extension Array: PostgresEncodable where Element: PostgresArrayElement {
    /// The element's array type.
    public static var postgresType: PostgresType { Element.postgresArrayType }
    /// Appends the whole array.
    public func encodePostgres(into bytes: inout [UInt8]) { Element.encodePostgresArray(self, into: &bytes) }
}

extension Array: PostgresDecodable where Element: PostgresArrayElement {
    /// Reads the whole array; null elements make it no such value.
    public static func decodePostgres(_ text: UnsafeRawBufferPointer?) -> [Element]? { text.flatMap { Element.decodePostgresArray($0) } }
}

extension UInt8: PostgresArrayElement {
    /// `bytea`.
    public static var postgresArrayType: PostgresType { .bytea }

    /// Appends the hexadecimal form, `\x00ff`.
    public static func encodePostgresArray(_ elements: [UInt8], into bytes: inout [UInt8]) {
        bytes.reserveCapacity(bytes.count + elements.count * 2 + 2)
        bytes += [UInt8(ascii: "\\"), UInt8(ascii: "x")]
        let digits = Array("0123456789abcdef".utf8)
        for element in elements {
            bytes.append(digits[Int(element >> 4)])
            bytes.append(digits[Int(element & 15)])
        }
    }

    /// Reads the hexadecimal form.
    public static func decodePostgresArray(_ text: UnsafeRawBufferPointer) -> [UInt8]? {
        guard text.count >= 2, text.count % 2 == 0, text[0] == UInt8(ascii: "\\"), text[1] == UInt8(ascii: "x") else { return nil }
        var result: [UInt8] = []
        result.reserveCapacity(text.count / 2 - 1)
        for index in stride(from: 2, to: text.count, by: 2) {
            guard let high = hexDigit(text[index]), let low = hexDigit(text[index + 1]) else { return nil }
            result.append(high << 4 | low)
        }
        return result
    }

    private static func hexDigit(_ byte: UInt8) -> UInt8? { Character(UnicodeScalar(byte)).hexDigitValue.map { UInt8($0) } }
}

extension Int64: PostgresArrayElement {
    /// `bigint[]`.
    public static var postgresArrayType: PostgresType { .int8Array }

    /// Appends `{1,2}`.
    public static func encodePostgresArray(_ elements: [Int64], into bytes: inout [UInt8]) {
        bytes.append(contentsOf: "{\(elements.map { String($0) }.joined(separator: ","))}".utf8)
    }

    /// Reads `{1,2}`.
    public static func decodePostgresArray(_ text: UnsafeRawBufferPointer) -> [Int64]? {
        guard let elements = ArrayText.elements(of: text) else { return nil }
        let numbers = elements.compactMap { Int64($0) }
        return numbers.count == elements.count ? numbers : nil
    }
}

extension String: PostgresArrayElement {
    /// `text[]`.
    public static var postgresArrayType: PostgresType { .textArray }

    /// Appends `{"a","b"}`, every element quoted.
    public static func encodePostgresArray(_ elements: [String], into bytes: inout [UInt8]) {
        bytes.append(UInt8(ascii: "{"))
        for (index, element) in elements.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            bytes.append(UInt8(ascii: "\""))
            for byte in element.utf8 {
                if byte == UInt8(ascii: "\"") || byte == UInt8(ascii: "\\") { bytes.append(UInt8(ascii: "\\")) }
                bytes.append(byte)
            }
            bytes.append(UInt8(ascii: "\""))
        }
        bytes.append(UInt8(ascii: "}"))
    }

    /// Reads `{a,"b c"}`.
    public static func decodePostgresArray(_ text: UnsafeRawBufferPointer) -> [String]? { ArrayText.elements(of: text) }
}

/// The text form of one-dimensional arrays, chapter 8.15 of the manual.
enum ArrayText {
    static func elements(of text: UnsafeRawBufferPointer) -> [String]? {
        guard text.count >= 2, text[0] == UInt8(ascii: "{"), text[text.count - 1] == UInt8(ascii: "}") else { return nil }
        let body = UnsafeRawBufferPointer(rebasing: text[1..<(text.count - 1)])
        var result: [String] = []
        var index = 0
        while index < body.count {
            guard let element = body[index] == UInt8(ascii: "\"") ? quoted(body, &index) : bare(body, &index) else { return nil }
            result.append(element)
            guard index < body.count else { return result }
            guard body[index] == UInt8(ascii: ","), index + 1 < body.count else { return nil }
            index += 1
        }
        return result
    }

    private static func quoted(_ body: UnsafeRawBufferPointer, _ index: inout Int) -> String? {
        var bytes: [UInt8] = []
        index += 1
        while index < body.count, body[index] != UInt8(ascii: "\"") {
            if body[index] == UInt8(ascii: "\\") { index += 1 }
            guard index < body.count else { return nil }
            bytes.append(body[index])
            index += 1
        }
        guard index < body.count else { return nil }
        index += 1
        return String(validating: bytes, as: UTF8.self)
    }

    /// An element without quotes: no null, no nested array.
    private static func bare(_ body: UnsafeRawBufferPointer, _ index: inout Int) -> String? {
        let start = index
        while index < body.count, body[index] != UInt8(ascii: ",") {
            guard body[index] != UInt8(ascii: "{"), body[index] != UInt8(ascii: "\"") else { return nil }
            index += 1
        }
        let text = UnsafeRawBufferPointer(rebasing: body[start..<index]).utf8Text
        return text?.isEmpty == false && text?.uppercased() != "NULL" ? text : nil
    }
}
