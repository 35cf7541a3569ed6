/// Product names as plain text of one line.
enum NameText {
    /// The longest name in characters.
    static let longest = 300

    /// Decodes entities, drops control and direction characters, joins white space and cuts; nil when nothing is left.
    static func cleaned(_ text: String?) -> String? {
        guard let text else { return nil }
        var result = String.UnicodeScalarView()
        for scalar in EntityText.decoded(String(text.unicodeScalars.prefix(longest * 8))).unicodeScalars {
            switch scalar.properties.generalCategory {
            case .control, .spaceSeparator, .lineSeparator, .paragraphSeparator:
                if let last = result.last, last != " " { result.append(" ") }
            case .format, .privateUse, .unassigned, .surrogate: continue
            default: if scalar != "\u{FFFD}" { result.append(scalar) }
            }
        }
        var name = String(result)
        if name.count > longest { name = name.prefix(longest - 1) + "…" }
        while name.hasSuffix(" ") { name.removeLast() }
        return name.isEmpty ? nil : name
    }

    /// Whether two names mean the same product: equal but for case and punctuation, or one holds the other.
    static func matches(_ one: String, _ other: String) -> Bool {
        let left = core(one)
        let right = core(other)
        guard left.count >= 3, right.count >= 3 else { return !left.isEmpty && left == right }
        return left.contains(right) || right.contains(left)
    }

    private static func core(_ text: String) -> String {
        text.lowercased().split { !$0.isLetter && !$0.isNumber }.joined(separator: " ")
    }
}
