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
        return JSONReader.whole(bytes, depth: limits.depth).map { .success($0) } ?? parseByJansson(bytes, limits)
    }

    /// Parses by jansson alone, after what it does not check itself.
    static func parseByJansson(_ bytes: UnsafeBufferPointer<UInt8>, _ limits: JSONLimits) -> Result<JSONValue, JSONError> {
        // Before jansson builds a tree, because its own limit is fixed, and the tree is walked and freed by recursion.
        guard depth(of: bytes, atMost: limits.depth) else {
            return .failure(JSONError(.tooDeep, "arrays and objects are nested deeper than \(limits.depth) levels"))
        }
        // jansson takes a NUL outside of strings for the end of a chunk, and reads on behind it.
        if let place = bytes.firstIndex(of: 0) {
            return .failure(JSONError(.syntax, "byte \(place) is NUL, which JSON writes as \\u0000 within a string", line: 1, column: place + 1))
        }
        var error = json_error_t()
        let root = UnsafeRawPointer(bytes.baseAddress).flatMap {
            json_loadb($0.assumingMemoryBound(to: CChar.self), bytes.count, size_t(JSON_DECODE_ANY | JSON_ALLOW_NUL), &error)
        }
        guard let root else {
            let empty = JSONError(.syntax, "the text is empty; a JSON value was expected", line: 1, column: 1)
            return .failure(bytes.isEmpty ? empty : JSONError(error, in: bytes))
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
    fileprivate init(_ error: json_error_t, in bytes: UnsafeBufferPointer<UInt8>) {
        var error = error
        let code = json_error_code(&error)
        // The last byte of `text` is jansson's error code, so the words end at the first NUL; what follows " near " quotes
        // the input.
        let words = withUnsafeBytes(of: &error.text) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        let text = words.firstRange(of: " near ").map { String(words[..<$0.lowerBound]) } ?? words
        let place = (line: max(Int(error.line), 1), column: max(Int(error.column), 1))
        switch code {
        case json_error_numeric_overflow:
            self.init(.numberOutOfRange, "the number does not fit 64 bits (\(text))", line: place.line, column: place.column)
        case json_error_invalid_utf8: self.init(.encoding, text, line: place.line, column: place.column)
        default:
            self.init(.syntax, JSONError.pythonExtension(in: bytes, near: Int(error.position)) ?? text, line: place.line, column: place.column)
        }
    }

    /// What to say when the fault is one of Python's extensions of JSON.
    private static func pythonExtension(in bytes: UnsafeBufferPointer<UInt8>, near position: Int) -> String? {
        let window = bytes[min(max(position - 9, 0), bytes.count)..<min(max(position + 9, 0), bytes.count)]
        let text = String(decoding: window, as: UTF8.self)
        guard let word = ["NaN", "Infinity"].first(where: { text.contains($0) }) else { return nil }
        return "\(word) is Python's extension of JSON and not a JSON value; null or a finite number would be right"
    }
}
