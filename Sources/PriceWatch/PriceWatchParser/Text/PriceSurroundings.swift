import PriceWatchModel

/// What the text before and behind a number says about it.
struct PriceSurroundings {
    let currency: Currency?
    let role: PriceRole
    /// A percentage, a saving, an article number, a count of payments: not an amount to pay.
    let isNoPrice: Bool
    let beginsRange: Bool

    init(before: ArraySlice<Character>, after: ArraySlice<Character>, locale: PageLocale) {
        currency = CurrencyText.atStart(of: after, locale: locale) ?? CurrencyText.atEnd(of: before, locale: locale)
        role = Self.role(before: before, after: after)
        isNoPrice = Self.isNoPrice(before: before, after: after, hasCurrency: currency != nil)
        beginsRange = Self.beginsRange(after)
    }

    private static func role(before: ArraySlice<Character>, after: ArraySlice<Character>) -> PriceRole {
        let tail = String(after.prefix(24))
        if monthly.contains(where: tail.contains) { return .installment }
        let head = String(before.suffix(20))
        if payments.contains(where: head.contains) { return .installment }
        if perUnit.contains(where: tail.contains) { return .unit }
        let words = head.split { !$0.isLetter && $0 != "à" }
        return words.contains { from.contains(String($0)) } ? .low : .regular
    }

    private static func isNoPrice(before: ArraySlice<Character>, after: ArraySlice<Character>, hasCurrency: Bool) -> Bool {
        let next = after.first { $0 != " " }
        if next == "%" || after.first == ":" || after.first == "/" && after.dropFirst().isEmpty { return true }
        // A minus sign; but not the hyphen of a range, before which a number stood.
        if before.startIndex == 0, before.contains("-"), before.allSatisfy({ $0 == " " || $0 == "-" }) { return true }
        // The second half of a time or of a fraction.
        if before.startIndex > 0, before.count == 1, before.first == ":" || before.first == "/" { return true }
        let head = String(before.suffix(20))
        if savings.contains(where: head.contains) { return true }
        if bonuses.contains(where: String(after.prefix(12)).contains) { return true }
        // `12x`, `iphone15`, `5g`: letters that touch the number and are no currency.
        if let touching = after.first, touching.isLetter, CurrencyText.atStart(of: after, locale: PageLocale()) == nil, !hasCurrency { return true }
        if after.first == "x" || after.first == "х" || after.first == "×" { return true }
        if let touching = before.last, touching.isLetter, !hasCurrency { return true }
        return ["№", "#"].contains(before.last { $0 != " " }.map(String.init) ?? "")
    }

    private static func beginsRange(_ after: ArraySlice<Character>) -> Bool {
        let words = String(after).split(separator: " ")
        guard let last = words.last else { return false }
        return last == "-" || last == "до" || last == "to" || last == "bis" || after.last == "-" && after.count <= 4
    }

    private static let monthly = ["/мес", "/ мес", "в мес", "мес.", "/mo", "per month", "a month", "/monat", "/mois", "/mes", "pro monat", "платеж", "платёж"]
    private static let payments = ["x de", "× ", "12x", "payments of", "рассрочк", "installment", "parcela"]
    private static let perUnit = ["/кг", "/ кг", "за кг", "за 1 кг", "/kg", "/ kg", "per kg", "/л", "/100", "/м²", "/м2", "/шт", "/ шт", "/g", "/l"]
    private static let from: Set<String> = ["от", "from", "ab", "desde", "dès", "partir", "od", "vanaf", "fra"]
    private static let savings = ["скидк", "экономи", "выгод", "save", "saving", "discount", "off ", "rabatt", "кэшбэк", "cashback"]
    private static let bonuses = ["бонус", "балл", "bonus", "point", "% off"]
}
