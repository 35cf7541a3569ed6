/// Why a page could not be read. The texts never quote the page.
public struct HTMLError: Error, Sendable, CustomStringConvertible {
    /// What kind of failure it was. Codes may be added.
    public struct Code: Sendable, Hashable, RawRepresentable, CustomStringConvertible {
        /// The code's word.
        public let rawValue: String
        /// Makes a code.
        public init(rawValue: String) { self.rawValue = rawValue }
        /// The code's word.
        public var description: String { rawValue }

        /// The page is larger than the limit.
        public static let tooLarge = Code(rawValue: "tooLarge")
        /// The page is made to cost more time than a page may.
        public static let tooComplex = Code(rawValue: "tooComplex")
        /// There is nothing in the page.
        public static let empty = Code(rawValue: "empty")
        /// The XPath expression is wrong, or costs more steps than the limit.
        public static let badXPath = Code(rawValue: "badXPath")
        /// libxml2 has no memory.
        public static let system = Code(rawValue: "system")
    }

    /// What kind of failure it was.
    public let code: Code
    /// One sentence for a person.
    public let message: String

    /// Makes an error.
    public init(_ code: Code, _ message: String) {
        self.code = code
        self.message = message
    }

    /// The code and the message.
    public var description: String { "\(code): \(message)" }
}
