import PriceWatchModel

/// Reads the price in a text as shops write it.
///
/// Where a text holds several amounts, those beside a currency count before bare ones, amounts in brackets, percentages,
/// savings and article numbers do not count, and the lowest of what is left is the price (old and new, or a range).
enum PriceText {
    /// The price in the text; nil when there is none. Zero is given as zero: whoever asks decides that it is no price.
    static func read(_ text: String, _ context: PriceContext = PriceContext()) -> PriceReading? {
        guard let characters = PriceSpelling.normalized(text), characters.first != "+" else { return nil }
        let found = amounts(in: characters, context)
        guard found.count <= 6 else { return nil }
        var candidates = found
        if candidates.contains(where: { $0.reading.role.isPayable }) { candidates.removeAll { !$0.reading.role.isPayable } }
        if candidates.contains(where: { !$0.isBracketed }) { candidates.removeAll(where: \.isBracketed) }
        if candidates.contains(where: { $0.reading.currency != nil }) {
            // In a range one sign serves both ends: `100 – 200 ₽`.
            candidates.removeAll { $0.reading.currency == nil && !$0.beginsRange }
        }
        let lowest = candidates.map(\.reading).min { $0.amount.isLess(than: $1.amount) }
        guard var reading = lowest else { return nil }
        if reading.currency == nil { reading.currency = candidates.compactMap(\.reading.currency).first }
        if candidates.contains(where: \.beginsRange), reading.role == .regular { reading.role = .low }
        return reading
    }

    private struct Found {
        var reading: PriceReading
        var isBracketed: Bool
        var beginsRange: Bool
    }

    private static func amounts(in text: [Character], _ context: PriceContext) -> [Found] {
        var found: [Found] = []
        var place = 0
        var previousEnd = 0
        while place < text.count {
            guard PriceNumber.isDigit(text[place]) else {
                place += 1
                continue
            }
            let number = PriceNumber(in: text, at: place)
            let before = text[previousEnd..<place]
            var end = number.range.upperBound
            if let cents = PriceCents(after: number, in: text) { end = cents.end }
            let after = text[end...].prefix { !PriceNumber.isDigit($0) }
            if let one = read(number, before: before, after: after, in: text, context) { found.append(one) }
            place = end
            previousEnd = end
        }
        return found
    }

    private static func read(
        _ number: PriceNumber, before: ArraySlice<Character>, after: ArraySlice<Character>, in text: [Character], _ context: PriceContext
    ) -> Found? {
        let cents = PriceCents(after: number, in: text)
        let surroundings = PriceSurroundings(before: before, after: after, locale: context.locale)
        var context = context
        if context.currency == nil { context.currency = cents?.currency ?? surroundings.currency }
        guard !surroundings.isNoPrice else { return nil }
        let amount = cents.map { DecimalAmount(whole: number.digits, fraction: $0.digits) } ?? number.amount(context)
        guard let amount else { return nil }
        return Found(
            reading: PriceReading(amount: amount, currency: cents?.currency ?? surroundings.currency, role: surroundings.role),
            isBracketed: isInBrackets(number.range.lowerBound, text), beginsRange: surroundings.beginsRange)
    }

    private static func isInBrackets(_ place: Int, _ text: [Character]) -> Bool {
        let opened = text[..<place].reduce(0) { $0 + ($1 == "(" ? 1 : $1 == ")" ? -1 : 0) }
        return opened > 0
    }
}

/// Cents that are written apart from the number: `68 50`, `68 руб. 50 коп.`.
struct PriceCents {
    let digits: String
    let currency: Currency?
    /// Behind the cents.
    let end: Int

    init?(after number: PriceNumber, in text: [Character]) {
        guard number.isWhole else { return nil }
        let rest = text[number.range.upperBound...]
        let between = rest.prefix { !PriceNumber.isDigit($0) }
        let cents = rest.dropFirst(between.count).prefix { PriceNumber.isDigit($0) }
        let tail = rest.dropFirst(between.count + cents.count)
        guard cents.count == 2 else { return nil }
        let word = String(tail.drop { $0 == " " }.prefix(4))
        if word.hasPrefix("коп") {
            currency = CurrencyText.atStart(of: between, locale: PageLocale()) ?? .rub
            let afterWord = tail.drop { $0 == " " }.drop { $0.isLetter || $0 == "." }
            end = afterWord.startIndex
        } else if between.count == 1, between.first == " ", tail.isEmpty || (tail.first == " " || tail.first?.isLetter == false) {
            // Two numbers beside each other: only when nothing but a currency follows.
            guard tail.allSatisfy({ !PriceNumber.isDigit($0) }), tail.isEmpty || CurrencyText.atStart(of: tail, locale: PageLocale()) != nil else { return nil }
            currency = nil
            end = tail.startIndex
        } else {
            return nil
        }
        digits = String(cents)
    }
}
