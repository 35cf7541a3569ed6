/// Brings the many ways of writing digits, spaces and dashes to one.
enum PriceSpelling {
    /// Texts longer than this are no price.
    static let longest = 200

    /// The text in lower case with ASCII digits, plain spaces, hyphens and apostrophes; nil when it is no price by its looks.
    static func normalized(_ text: String) -> [Character]? {
        guard text.utf8.count <= longest * 4 else { return nil }
        var result: [Character] = []
        var isSuperscript = false
        for scalar in text.lowercased().unicodeScalars {
            if let digit = superscript(scalar) {
                if !isSuperscript, result.last?.isNumber == true { result.append(".") }
                isSuperscript = true
                result.append(digit)
                continue
            }
            isSuperscript = false
            if let plain = plain(scalar) { result.append(plain) }
        }
        guard result.count <= longest, !result.contains("{"), !result.contains("}") else { return nil }
        return collapsed(result)
    }

    private static func plain(_ scalar: Unicode.Scalar) -> Character? {
        switch scalar {
        case "\u{200B}"..."\u{200F}", "\u{2060}", "\u{FEFF}", "\u{00AD}", "\u{202A}"..."\u{202E}", "\u{2066}"..."\u{2069}": return nil
        case "٬": return ","
        case "٫": return "."
        case "’", "ʼ", "‘", "′", "`", "´": return "'"
        case "–", "—", "−", "‐", "‑", "‒", "―": return "-"
        default: break
        }
        if scalar.properties.isWhitespace { return " " }
        // Decimal digits of any script: Arabic-Indic, Persian, Devanagari, full-width.
        if scalar.value >= 0x80, scalar.properties.numericType == .decimal, let value = scalar.properties.numericValue {
            return Character(String(Int(value)))
        }
        return Character(scalar)
    }

    private static func superscript(_ scalar: Unicode.Scalar) -> Character? {
        guard let index = "⁰¹²³⁴⁵⁶⁷⁸⁹".unicodeScalars.firstIndex(of: scalar) else { return nil }
        let scalars = "⁰¹²³⁴⁵⁶⁷⁸⁹".unicodeScalars
        return Character(String(scalars.distance(from: scalars.startIndex, to: index)))
    }

    private static func collapsed(_ text: [Character]) -> [Character] {
        var result: [Character] = []
        for character in text where character != " " || (result.last != " " && !result.isEmpty) { result.append(character) }
        if result.last == " " { result.removeLast() }
        return result
    }
}
