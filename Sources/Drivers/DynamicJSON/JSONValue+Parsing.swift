import CJansson

extension JSONValue {
    /// Parses a JSON text: any value, in UTF-8, with nothing after it but white space.
    ///
    /// Of an object's members with the same key the last one counts. Python's extensions `NaN` and `Infinity` are refused.
    ///
    /// - Throws: ``JSONError``, with the place where the text goes wrong.
    public init(parsing bytes: some Collection<UInt8>, limits: JSONLimits = .default) throws(JSONError) {
        let direct = bytes.withContiguousStorageIfAvailable { JSONValue.parse($0, limits) }
        self = try (direct ?? Array(bytes).withUnsafeBufferPointer { JSONValue.parse($0, limits) }).get()
    }

    /// Parses a JSON text; see ``init(parsing:limits:)-swift.init``.
    public init(parsing text: String, limits: JSONLimits = .default) throws(JSONError) {
        var text = text
        self = try text.withUTF8 { JSONValue.parse($0, limits) }.get()
    }

    private static func parse(_ bytes: UnsafeBufferPointer<UInt8>, _ limits: JSONLimits) -> Result<JSONValue, JSONError> {
        guard bytes.count <= limits.bytes else {
            return .failure(JSONError(.tooLarge, "the text has \(bytes.count) bytes; at most \(limits.bytes) are accepted"))
        }
        // Before jansson builds a tree, because its own limit is fixed, and the tree is walked and freed by recursion.
        guard depth(of: bytes, atMost: limits.depth) else {
            return .failure(JSONError(.tooDeep, "arrays and objects are nested deeper than \(limits.depth) levels"))
        }
        var error = json_error_t()
        let root = UnsafeRawPointer(bytes.baseAddress).flatMap {
            json_loadb($0.assumingMemoryBound(to: CChar.self), bytes.count, size_t(JSON_DECODE_ANY | JSON_ALLOW_NUL), &error)
        }
        guard let root else {
            return .failure(bytes.isEmpty ? JSONError(.syntax, "the text is empty; a JSON value was expected", line: 1, column: 1) : JSONError(error))
        }
        defer { json_decref(root) }
        return .success(JSONValue(root))
    }

    /// Whether brackets outside of strings are nested at most `limit` deep.
    private static func depth(of bytes: UnsafeBufferPointer<UInt8>, atMost limit: Int) -> Bool {
        var depth = 0
        var index = 0
        while index < bytes.count {
            switch bytes[index] {
            case UInt8(ascii: "["), UInt8(ascii: "{"):
                depth += 1
                if depth > limit { return false }
            case UInt8(ascii: "]"), UInt8(ascii: "}"):
                depth -= 1
            case UInt8(ascii: "\""):
                index += 1
                while index < bytes.count, bytes[index] != UInt8(ascii: "\"") {
                    index += bytes[index] == UInt8(ascii: "\\") ? 2 : 1
                }
            default: break
            }
            index += 1
        }
        return true
    }

    /// Copies a jansson tree; its depth has been limited before.
    private init(_ node: UnsafeMutablePointer<json_t>) {
        switch node.pointee.type {
        case JSON_OBJECT: self = .object(JSONValue.members(of: node))
        case JSON_ARRAY: self = .array(JSONValue.elements(of: node))
        case JSON_STRING: self = .string(String(bytes: json_string_value(node), count: json_string_length(node)))
        case JSON_INTEGER: self = .int(Int64(json_integer_value(node)))
        case JSON_REAL: self = .double(json_real_value(node))
        case JSON_TRUE: self = .bool(true)
        case JSON_FALSE: self = .bool(false)
        default: self = .null
        }
    }

    private static func members(of node: UnsafeMutablePointer<json_t>) -> [String: JSONValue] {
        var object = [String: JSONValue](minimumCapacity: json_object_size(node))
        var iterator = json_object_iter(node)
        while let current = iterator {
            if let value = json_object_iter_value(current) {
                // A key cannot hold NUL: jansson refuses it.
                object[String(cString: json_object_iter_key(current))] = JSONValue(value)
            }
            iterator = json_object_iter_next(node, current)
        }
        return object
    }

    private static func elements(of node: UnsafeMutablePointer<json_t>) -> [JSONValue] {
        (0..<json_array_size(node)).map { index in json_array_get(node, index).map { JSONValue($0) } ?? .null }
    }
}

extension String {
    /// A jansson string: UTF-8 checked by its parser; may hold NUL.
    fileprivate init(bytes: UnsafePointer<CChar>?, count: Int) {
        let raw = UnsafeRawBufferPointer(start: bytes, count: bytes == nil ? 0 : count)
        self = String(decoding: raw, as: UTF8.self)
    }
}

extension JSONError {
    fileprivate init(_ error: json_error_t) {
        var error = error
        let code = json_error_code(&error)
        var text = withUnsafeBytes(of: &error.text) { raw in
            // The last byte of `text` is jansson's error code, so the words end at the first NUL.
            String(decoding: raw.prefix { $0 != 0 }, as: UTF8.self)
        }
        // What follows " near " quotes the input.
        var quoted = ""
        if let cut = text.firstRange(of: " near ") {
            quoted = String(text[cut.upperBound...])
            text = String(text[..<cut.lowerBound])
        }
        let place = (line: max(Int(error.line), 1), column: max(Int(error.column), 1))
        let kind: Code
        switch code {
        case json_error_numeric_overflow:
            kind = .numberOutOfRange
            text = "the number does not fit 64 bits (\(text))"
        case json_error_invalid_utf8: kind = .encoding
        default: kind = .syntax
        }
        for word in ["NaN", "Infinity", "-Infinity"] where quoted.hasPrefix("'\(word)") || quoted.hasPrefix("'-\(word)") {
            text = "\(word) is Python's extension of JSON and not a JSON value; null or a finite number would be right"
        }
        self.init(kind, text, line: place.line, column: place.column)
    }
}
