import PriceWatchModel

/// One number within a normalized price text: its groups of digits and what stands between them.
struct PriceNumber {
    /// Where it stands in the text.
    let range: Range<Int>
    private let groups: [String]
    private let separators: [Character]

    /// Reads the number that begins at the place, which holds a digit.
    init(in text: [Character], at start: Int) {
        var groups: [String] = []
        var separators: [Character] = []
        var place = start
        while true {
            let end = Self.endOfDigits(in: text, from: place)
            groups.append(String(text[place..<end]))
            place = end
            guard let separator = Self.separator(in: text, at: place, after: groups, separators) else { break }
            separators.append(separator)
            place += 1
        }
        self.groups = groups
        self.separators = separators
        range = start..<place
    }

    /// Whether nothing says which digits are decimals, because there are none.
    var isWhole: Bool { !separators.contains(".") && !separators.contains(",") }
    /// The digits without separators.
    var digits: String { groups.joined() }

    /// What the digits mean; nil when no rule makes them an amount (a date, a version).
    func amount(_ context: PriceContext) -> DecimalAmount? {
        guard let last = separators.last else { return DecimalAmount(whole: groups[0]) }
        let earlier = separators.dropLast()
        if earlier.isEmpty { return single(last, context) }
        if !earlier.contains(last) {
            guard Set(earlier).count == 1, Self.areThousands(groups.dropLast()), last == "." || last == "," else { return nil }
            return DecimalAmount(whole: groups.dropLast().joined(), fraction: groups[groups.count - 1])
        }
        guard Set(separators).count == 1, Self.areThousands(groups[...]) else { return nil }
        return DecimalAmount(whole: groups.joined())
    }

    /// One separator. With three digits behind it, it groups thousands, unless the currency has three decimals, the whole part
    /// cannot be the first group, or a machine wrote a full stop and a padding zero (`12.500`).
    private func single(_ separator: Character, _ context: PriceContext) -> DecimalAmount? {
        let whole = groups[0]
        let rest = groups[1]
        if separator == " " || separator == "'" { return DecimalAmount(whole: whole + rest) }
        let mayGroup = rest.count == 3 && whole.count <= 3 && !whole.hasPrefix("0")
        guard mayGroup, context.currency?.exponent != 3 else { return DecimalAmount(whole: whole, fraction: rest) }
        if context.isMachine, separator == ".", rest.hasSuffix("0"), context.currency?.exponent != 0 {
            return DecimalAmount(whole: whole, fraction: rest)
        }
        return DecimalAmount(whole: whole + rest)
    }

    /// `1 299 000`, or the Indian `12 99 000`.
    private static func areThousands(_ groups: ArraySlice<String>) -> Bool {
        guard let first = groups.first, let last = groups.last, (1...3).contains(first.count) else { return false }
        let inner = groups.dropFirst().dropLast()
        if groups.count == 1 { return true }
        return last.count == 3 && (inner.allSatisfy { $0.count == 3 } || (first.count <= 2 && inner.allSatisfy { $0.count == 2 }))
    }

    private static func endOfDigits(in text: [Character], from start: Int) -> Int {
        var end = start
        while end < text.count, isDigit(text[end]) { end += 1 }
        return end
    }

    /// The separator at the place, if the number goes on behind it. A space or an apostrophe only joins groups of three.
    private static func separator(in text: [Character], at place: Int, after groups: [String], _ separators: [Character]) -> Character? {
        guard place + 1 < text.count, isDigit(text[place + 1]) else { return nil }
        let character = text[place]
        switch character {
        case ".", ",":
            return character
        case " ", "'":
            let next = endOfDigits(in: text, from: place + 1) - place - 1
            let fitsBefore = separators.isEmpty ? (groups[0].count <= 3) : (separators.allSatisfy { $0 == character } && groups.last?.count == 3)
            return next == 3 && fitsBefore ? character : nil
        default:
            return nil
        }
    }

    static func isDigit(_ character: Character) -> Bool {
        "0" <= character && character <= "9" && character.isASCII
    }
}
