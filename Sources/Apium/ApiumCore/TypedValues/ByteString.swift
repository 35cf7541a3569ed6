import DynamicJSON

/// Bytes: Python's `bytes`. Swift's `[UInt8]` would travel as a list of numbers.
public struct ByteString: TypedJSON {
    /// The bytes.
    public var bytes: [UInt8]

    /// Makes a byte string.
    public init(_ bytes: [UInt8]) { self.bytes = bytes }

    /// kombu's tag and value: the text itself when the bytes are UTF-8, else base 64.
    var tagged: (String, JSONValue) {
        if let text = String(validating: bytes, as: UTF8.self) { return ("bytes", .string(text)) }
        return ("base64", .string(base64))
    }

    /// The bytes in base 64, with padding.
    public var base64: String {
        var output: [UInt8] = []
        Base64.encode(bytes, into: &output)
        return String(decoding: output, as: UTF8.self)
    }

    public var typed: TypedValue { .bytes(self) }

    public init?(typed: TypedValue) {
        guard case .bytes(let string) = typed else { return nil }
        self = string
    }

    /// The text's UTF-8.
    public init?(untagged text: String) { bytes = Array(text.utf8) }
}
