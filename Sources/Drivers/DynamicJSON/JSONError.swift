/// Why a text is not accepted as JSON. It never quotes the text, which may be secret.
public struct JSONError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of fault it is. New codes may come.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code's name.
        public var rawValue: String
        /// Makes a code.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The text does not follow the grammar.
        public static let syntax = Code(rawValue: "syntax")
        /// The bytes are not UTF-8, or an escape names no character.
        public static let encoding = Code(rawValue: "encoding")
        /// A number does not fit 64 bits.
        public static let numberOutOfRange = Code(rawValue: "number out of range")
        /// More bytes than ``JSONLimits/bytes``.
        public static let tooLarge = Code(rawValue: "too large")
        /// Nested deeper than ``JSONLimits/depth``.
        public static let tooDeep = Code(rawValue: "too deep")
    }

    /// The kind of fault.
    public var code: Code
    /// What was wrong and what would be right.
    public var message: String
    /// The line of the fault, from 1; `nil` when the text as a whole is refused.
    public var line: Int?
    /// The column of the fault in characters, from 1; `nil` when the text as a whole is refused.
    public var column: Int?

    /// Makes an error.
    public init(_ code: Code, _ message: String, line: Int? = nil, column: Int? = nil) {
        self.code = code
        self.message = message
        self.line = line
        self.column = column
    }

    /// Place and message.
    public var description: String {
        if let line, let column { "line \(line), column \(column): \(message)" } else { message }
    }
}

/// What a text may cost its reader.
public struct JSONLimits: Sendable, Hashable {
    /// The greatest number of bytes. Default: 64 MiB.
    public var bytes: Int
    /// The greatest nesting of arrays and objects, at most 1000. Default: 128.
    public var depth: Int

    /// Makes limits; `depth` is brought into 1…1000, because each level costs stack.
    public init(bytes: Int = 64 << 20, depth: Int = 128) {
        self.bytes = bytes
        self.depth = min(max(depth, 1), 1000)
    }

    /// 64 MiB, 128 levels.
    public static let `default` = JSONLimits()
}
