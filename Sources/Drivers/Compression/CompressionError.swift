/// Why bytes are not compressed or decompressed. It never quotes them.
public struct CompressionError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What kind of fault it is. New codes may come.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code's name.
        public var rawValue: String
        /// Makes a code.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// The bytes are not of the format, or incomplete.
        public static let damaged = Code(rawValue: "damaged")
        /// More bytes than the limit.
        public static let tooLarge = Code(rawValue: "too large")
        /// The library could not work, for example without memory.
        public static let failed = Code(rawValue: "failed")
    }

    /// The kind of fault.
    public var code: Code
    /// What was wrong and what would be right.
    public var message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    public var description: String { message }
}
