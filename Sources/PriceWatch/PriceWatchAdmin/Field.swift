import ApiumCore
import PriceWatchModel

/// How a column is shown and edited.
struct Field: Sendable {
    enum Kind: Sendable {
        /// Plain text of at most this many characters.
        case text(limit: Int)
        /// A link; only http and https become links that can be followed.
        case link
        /// Whole numbers.
        case integer
        /// A row's id in another table: shown as a link to it.
        case reference(AdminTable)
        /// An amount in minor units of the currency in another column; shown and edited with its decimal point.
        case amount(currency: String)
        /// An ISO 4217 code.
        case currency
        /// One of these values.
        case choice([String])
        /// Yes or no.
        case flag
        /// An instant, shown and edited in UTC.
        case instant
        /// Names and patterns of jobs, with blanks or commas between them.
        case jobPatterns
        /// Names of queues, with blanks or commas between them.
        case queueNames
        /// JSON or other long text, shown as it is.
        case raw
    }

    let column: String
    let kind: Kind
    /// Whether the form has it.
    let isEditable: Bool
    /// Whether an empty field means null.
    let isOptional: Bool
    /// Whether the list shows it.
    let inList: Bool

    init(_ column: String, _ kind: Kind, editable: Bool = false, optional: Bool = false, inList: Bool = true) {
        self.column = column
        self.kind = kind
        isEditable = editable
        isOptional = optional
        self.inList = inList
    }

    /// The value as a person reads it.
    func shown(_ row: AdminRow) -> String {
        switch (kind, row[column]) {
        case (_, .null): return ""
        case (.amount(let currency), .integer(let minor)):
            guard case .text(let code) = row[currency], let unit = Currency(code) else { return String(minor) }
            return Money(minorUnits: minor, currency: unit).decimalText
        case (_, .integer(let number)): return String(number)
        case (_, .boolean(let flag)): return flag ? "true" : "false"
        case (_, .text(let text)): return text
        case (_, .instant(let microseconds)):
            return String(Timestamp(microseconds: microseconds).iso8601.prefix(19)).replacing("T", with: " ")
        }
    }

    /// Reads what a form says. `form` gives the other fields, for the currency of an amount.
    func parse(_ text: String, form: (String) -> String?) -> Result<AdminValue, FieldFault> {
        let text = text.trimmingBlanks
        if text.isEmpty { return isOptional ? .success(.null) : .failure(.required) }
        switch kind {
        case .text(let limit): return text.count <= limit ? .success(.text(text)) : .failure(.tooLong)
        case .link: return Self.isFollowable(text) && text.utf8.count <= 2_048 ? .success(.text(text)) : .failure(.notALink)
        case .integer, .reference: return Int64(text).map { .success(.integer($0)) } ?? .failure(.notANumber)
        case .amount(let column):
            guard let unit = form(column).flatMap({ Currency($0.trimmingBlanks) }) else { return .failure(.notAnAmount) }
            return DecimalText.minorUnits(text, exponent: unit.exponent).map { .success(.integer($0)) } ?? .failure(.notAnAmount)
        case .currency: return Currency(text).map { .success(.text($0.code)) } ?? .failure(.notACurrency)
        case .choice(let values): return values.contains(text) ? .success(.text(text)) : .failure(.notAChoice)
        case .flag: return text == "true" || text == "false" ? .success(.boolean(text == "true")) : .failure(.notAChoice)
        case .instant: return Timestamp(iso8601: text.replacing(" ", with: "T")).map { .success(.instant($0.microseconds)) } ?? .failure(.notAnInstant)
        case .jobPatterns: return Self.words(text, .notAJobPattern) { JobNamePattern($0)?.text }
        case .queueNames: return Self.words(text, .notAQueue) { QueueName($0)?.text }
        case .raw: return .success(.text(text))
        }
    }

    /// Words in order, each once.
    private static func words(_ text: String, _ fault: FieldFault, read: (String) -> String?) -> Result<AdminValue, FieldFault> {
        guard text.utf8.count <= 8_192 else { return .failure(.tooLong) }
        var words: Set<String> = []
        for word in text.split(whereSeparator: { $0.isWhitespace || $0 == "," }) {
            guard let word = read(String(word)) else { return .failure(fault) }
            words.insert(word)
        }
        return .success(.text(words.sorted().joined(separator: " ")))
    }

    /// Whether a link may be rendered as one: `javascript:` and its kin never are.
    static func isFollowable(_ text: String) -> Bool {
        let lower = text.lowercased()
        return (lower.hasPrefix("http://") || lower.hasPrefix("https://")) && !text.contains { $0.isWhitespace || $0.isNewline }
    }
}

/// What is wrong with a field of a form.
enum FieldFault: String, Error, Sendable {
    case required, tooLong, notALink, notANumber, notAnAmount, notACurrency, notAChoice, notAnInstant
    case notAJobPattern, notAQueue
    case notUnique, missingReference, invalid
}

/// Decimal numbers as text, without floating point.
enum DecimalText {
    /// `1299.5` with two places is 129950; a comma does as well. `nil` for signs, exponents, too many places, zero and overflow.
    static func minorUnits(_ text: String, exponent: Int) -> Int64? {
        let parts = text.replacing(",", with: ".").split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        let fraction = parts.count == 2 ? String(parts[1]) : ""
        guard let whole = parts.first, !whole.isEmpty, fraction.count <= exponent, parts.count == 1 || !fraction.isEmpty else { return nil }
        let digits = whole + fraction + String(repeating: "0", count: exponent - fraction.count)
        guard digits.utf8.allSatisfy({ (48...57).contains($0) }), let value = Int64(digits), value > 0, value <= 999_999_999_999_999 else { return nil }
        return value
    }
}

extension String {
    /// The text without blanks at its ends.
    var trimmingBlanks: String {
        var part = self[...]
        while part.first?.isWhitespace == true { part.removeFirst() }
        while part.last?.isWhitespace == true { part.removeLast() }
        return String(part)
    }
}
