import PriceWatchModel

/// Currencies as pages write them: ISO codes, signs, words; ambiguous signs are decided by the page's locale or not at all.
enum CurrencyText {
    /// Reads a field that holds a currency and nothing else (`RUB`, `RUR`, `руб.`, `₽`).
    static func field(_ text: String, locale: PageLocale) -> Currency? {
        let trimmed = text.filter { !$0.isWhitespace }
        if let currency = code(trimmed.uppercased()) { return currency }
        return atStart(of: Array(trimmed.lowercased()), locale: locale)
    }

    /// The currency that stands right behind a number.
    static func atStart(of text: some Collection<Character>, locale: PageLocale) -> Currency? {
        let trimmed = Array(text.drop { $0 == " " }.prefix(12))
        if let currency = letters(Array(trimmed.prefix { $0.isLetter })) { return currency }
        for entry in words where trimmed.starts(with: entry.characters) {
            let next = trimmed.dropFirst(entry.characters.count).first
            if entry.endsInLetter, let next, next.isLetter { continue }
            if let currency = entry.currency(locale) { return currency }
        }
        return nil
    }

    /// The currency that stands right before a number.
    static func atEnd(of text: some Collection<Character>, locale: PageLocale) -> Currency? {
        var trimmed = Array(text.suffix(14))
        while let last = trimmed.last, last == " " || last == ":" { trimmed.removeLast() }
        if let currency = letters(trimmed.reversed().prefix { $0.isLetter }.reversed()) { return currency }
        for entry in words where trimmed.count >= entry.characters.count && Array(trimmed.suffix(entry.characters.count)) == entry.characters {
            let previous = trimmed.dropLast(entry.characters.count).last
            if entry.startsWithLetter, let previous, previous.isLetter { continue }
            // A code before the sign says which of its currencies is meant: `CAD $24.99`.
            let before = trimmed.dropLast(entry.characters.count).reversed().drop { $0 == " " }
            if !entry.startsWithLetter, let code = letters(before.prefix { $0.isLetter }.reversed()) { return code }
            if let currency = entry.currency(locale) { return currency }
        }
        return nil
    }

    /// A code that ISO 4217 lists today, or RUR.
    static func code(_ text: String) -> Currency? {
        guard text.utf8.count == 3, text == "RUR" || codes.contains(text) else { return nil }
        return Currency(text)
    }

    private static func letters(_ word: [Character]) -> Currency? {
        word.count == 3 ? code(String(word).uppercased()) : nil
    }

    private struct Entry: Sendable {
        let characters: [Character]
        let currency: @Sendable (PageLocale) -> Currency?
        var startsWithLetter: Bool { characters.first?.isLetter == true }
        var endsInLetter: Bool { characters.last?.isLetter == true }

        init(_ word: String, _ code: String) {
            characters = Array(word)
            currency = { _ in Currency(code) }
        }

        init(_ word: String, _ choose: @escaping @Sendable (PageLocale) -> String?) {
            characters = Array(word)
            currency = { choose($0).flatMap { Currency($0) } }
        }
    }

    /// Longer words first, since shorter ones are parts of them.
    private static let words: [Entry] = [
        Entry("бел. руб", "BYN"), Entry("бел.руб", "BYN"),
        Entry("₽", "RUB"), Entry("рублей", "RUB"), Entry("рубля", "RUB"), Entry("рубль", "RUB"), Entry("руб.", "RUB"), Entry("руб", "RUB"),
        Entry("р.", "RUB"), Entry("р", "RUB"), Entry("₴", "UAH"), Entry("грн", "UAH"), Entry("₸", "KZT"), Entry("тенге", "KZT"), Entry("тг", "KZT"),
        Entry("€", "EUR"), Entry("euro", "EUR"), Entry("евро", "EUR"), Entry("£", "GBP"),
        Entry("us$", "USD"), Entry("ca$", "CAD"), Entry("c$", "CAD"), Entry("au$", "AUD"), Entry("a$", "AUD"), Entry("hk$", "HKD"), Entry("nz$", "NZD"),
        Entry("mx$", "MXN"), Entry("nt$", "TWD"), Entry("r$", "BRL"), Entry("s$", "SGD"), Entry("$", dollar), Entry("долл", "USD"),
        Entry("cn¥", "CNY"), Entry("jp¥", "JPY"), Entry("¥", yen), Entry("￥", yen), Entry("円", "JPY"), Entry("元", "CNY"), Entry("rmb", "CNY"),
        Entry("zł", "PLN"), Entry("kč", "CZK"), Entry("kr.", crown), Entry("kr", crown), Entry("₹", "INR"), Entry("rs.", rupee), Entry("rs", rupee),
        Entry("₺", "TRY"), Entry("tl", "TRY"), Entry("₩", "KRW"), Entry("원", "KRW"), Entry("₪", "ILS"), Entry("₫", "VND"), Entry("฿", "THB"),
        Entry("₱", "PHP"), Entry("₦", "NGN"), Entry("₾", "GEL"), Entry("֏", "AMD"), Entry("₼", "AZN"), Entry("₮", "MNT"), Entry("lei", "RON"),
        Entry("ft", "HUF"), Entry("лв", "BGN"), Entry("fr.", "CHF"),
        Entry("br", { $0.domain == "by" || ["be", "ru"].contains($0.language) ? "BYN" : nil }), Entry("r", { $0.domain == "za" ? "ZAR" : nil }),
    ]

    private static let dollar: @Sendable (PageLocale) -> String? = { locale in
        let others = [
            "ca": "CAD", "au": "AUD", "nz": "NZD", "hk": "HKD", "sg": "SGD", "mx": "MXN", "tw": "TWD", "ar": "ARS", "cl": "CLP", "co": "COP", "uy": "UYU",
        ]
        return others[locale.domain] ?? "USD"
    }

    private static let yen: @Sendable (PageLocale) -> String? = { locale in
        if locale.domain == "jp" || locale.language == "ja" { return "JPY" }
        return locale.domain == "cn" || locale.language == "zh" ? "CNY" : nil
    }

    private static let crown: @Sendable (PageLocale) -> String? = { locale in
        let domains = ["se": "SEK", "no": "NOK", "dk": "DKK", "is": "ISK"]
        let languages = ["sv": "SEK", "nb": "NOK", "nn": "NOK", "no": "NOK", "da": "DKK", "is": "ISK"]
        return domains[locale.domain] ?? languages[locale.language]
    }

    private static let rupee: @Sendable (PageLocale) -> String? = { locale in
        ["pk": "PKR", "lk": "LKR", "np": "NPR"][locale.domain] ?? "INR"
    }

    private static let codes = Set(
        """
        AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BHD BIF BMD BND BOB BRL BSD BTN BWP BYN BZD CAD CDF CHF CLP CNY COP CRC CUP CVE CZK DJF \
        DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD GNF GTQ GYD HKD HNL HTG HUF IDR ILS INR IQD IRR ISK JMD JOD JPY KES KGS KHR KMF KPW KRW \
        KWD KYD KZT LAK LBP LKR LRD LSL LYD MAD MDL MGA MKD MMK MNT MOP MRU MUR MVR MWK MXN MYR MZN NAD NGN NIO NOK NPR NZD OMR PAB PEN PGK PHP PKR PLN \
        PYG QAR RON RSD RUB RWF SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TND TOP TRY TTD TWD TZS UAH UGX USD UYU UZS VED \
        VES VND VUV WST XAF XCD XOF XPF YER ZAR ZMW ZWG
        """.split(separator: " ").map(String.init))
}
