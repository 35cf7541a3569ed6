import DynamicJSON

/// What a JSON value may be: the one description from which input is checked and OpenAPI is written, so that they agree.
public indirect enum Schema: Sendable {
    /// Text; its length counts Unicode scalars, as JSON Schema does.
    case string(StringRule)
    /// One of these texts.
    case choice([String])
    /// A whole number of 64 bits.
    case integer(ClosedRange<Int64>)
    /// A finite number.
    case number(ClosedRange<Double>)
    /// `true` or `false`.
    case boolean
    /// A list.
    case array(Schema, count: ClosedRange<Int>)
    /// An object with these properties and no others.
    case object([Property])
    /// An object with any properties, up to a number.
    case map(maxProperties: Int)
    /// The value or `null`.
    case nullable(Schema)
    /// One of these, told apart by the value of a property.
    case oneOf([Schema], by: String)
    /// Any JSON value.
    case any
    /// A schema with a name of its own under `components/schemas`.
    case named(any SchemaProviding.Type)

    /// A property of an object.
    public struct Property: Sendable {
        var name: String
        var schema: Schema
        var isRequired: Bool
        var description: String

        /// A property that must be there.
        public static func required(_ name: String, _ schema: Schema, _ description: String = "") -> Property {
            Property(name: name, schema: schema, isRequired: true, description: description)
        }

        /// A property that may be missing.
        public static func optional(_ name: String, _ schema: Schema, _ description: String = "") -> Property {
            Property(name: name, schema: schema, isRequired: false, description: description)
        }
    }

    /// Any 64-bit number from 1: an id.
    static let id = Schema.integer(1...Int64.max)
    /// A Telegram chat's id: negative for groups.
    static let chatID = Schema.integer(Int64.min...Int64.max)

    /// Text between two lengths without control characters.
    static func text(_ length: ClosedRange<Int>) -> Schema { .string(StringRule(length: length, alphabet: .printable)) }
}

/// A type whose JSON form has a schema.
public protocol SchemaProviding: SendableMetatype {
    /// Its name in the documentation.
    static var schemaName: String { get }
    /// Its form.
    static var schema: Schema { get }
    /// One sentence.
    static var schemaDescription: String { get }
}

extension SchemaProviding {
    public static var schemaDescription: String { "" }
}

/// What a text may be.
public struct StringRule: Sendable, Hashable {
    /// How many Unicode scalars.
    var length: ClosedRange<Int>
    /// Of what.
    var alphabet: Alphabet
    /// JSON Schema's `format`, for readers only.
    var format: String?

    init(length: ClosedRange<Int>, alphabet: Alphabet, format: String? = nil) {
        self.length = length
        self.alphabet = alphabet
        self.format = format
    }

    /// Sets of characters, each with the regular expression that means the same.
    enum Alphabet: String, Sendable, CaseIterable {
        /// Anything but C0 controls and DEL.
        case printable
        /// Letters, digits and `_ . : -` of ASCII, beginning with a letter or digit.
        case identifier
        /// Anything.
        case any

        var pattern: String? {
            switch self {
            case .printable: #"^[^\u0000-\u001f\u007f]*$"#
            case .identifier: "^[A-Za-z0-9][A-Za-z0-9_.:-]*$"
            case .any: nil
            }
        }

        func admits(_ text: String) -> Bool {
            switch self {
            case .printable: text.unicodeScalars.allSatisfy { $0.value > 0x1F && $0.value != 0x7F }
            case .identifier:
                text.utf8.first.map(Self.isAlphanumeric) == true
                    && text.utf8.allSatisfy { Self.isAlphanumeric($0) || $0 == 0x5F || $0 == 0x2E || $0 == 0x3A || $0 == 0x2D }
            case .any: true
            }
        }

        private static func isAlphanumeric(_ byte: UInt8) -> Bool {
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
        }

        var words: String {
            switch self {
            case .printable: "without control characters"
            case .identifier: "of letters, digits and _ . : - that begins with a letter or digit"
            case .any: ""
            }
        }
    }
}
