import PriceWatchModel
import Testing

@testable import PriceWatchParser

@Suite("Prices as text")
struct PriceTextTests {
    /// `1299 RUB`: mantissa with its decimals, and the currency beside it.
    private func brief(_ reading: PriceReading?) -> String {
        guard let reading else { return "-" }
        let digits = String(reading.amount.mantissa)
        let padded = String(repeating: "0", count: max(0, reading.amount.decimals + 1 - digits.count)) + digits
        let text = reading.amount.decimals == 0 ? digits : padded.dropLast(reading.amount.decimals) + "." + padded.suffix(reading.amount.decimals)
        return reading.currency.map { "\(text) \($0)" } ?? String(text)
    }

    @Test(
        "what shops write is read as people read it",
        arguments: [
            ("1.299,00 €", "1299 EUR"), ("1,299.00", "1299"), ("1 299,00", "1299"), ("1.299 €", "1299 EUR"), ("12,990 ₽", "12990 RUB"), ("1.226 €", "1226 EUR"),
            ("1.320,99 €", "1320.99 EUR"), ("1,29,999 ₹", "129999 INR"), ("12,99,999.50 Rs", "1299999.5 INR"), ("1'299.–", "1299"),
            ("1’299.50 CHF", "1299.5 CHF"),
            ("12\u{A0}990\u{A0}₽", "12990 RUB"), ("12\u{2009}990 ₽", "12990 RUB"), ("12\u{202F}990,50 ₽", "12990.5 RUB"), ("12\u{2007}990 р.", "12990 RUB"),
            ("1\u{200B}299 ₽", "1299 RUB"), ("12 990 руб.", "12990 RUB"), ("12990руб", "12990 RUB"), ("99 руб. 50 коп.", "99.5 RUB"), ("99,–", "99"),
            ("99.-", "99"), ("99:-", "-"), ("68⁵⁰ €", "68.5 EUR"), ("68 50", "68.5"), ("68 50 ₽", "68.5 RUB"), ("2 299 990 ₽", "2299990 RUB"),
            ("от 1 299 ₽", "1299 RUB"), ("from $24.99", "24.99 USD"), ("1 299 – 2 599 ₽", "1299 RUB"), ("от 100 до 200 руб.", "100 RUB"),
            ("1 999 ₽ 1 299 ₽", "1299 RUB"), ("CAD $24.99", "24.99 CAD"), ("$24.99 CAD", "24.99 CAD"), ("US$ 5", "5 USD"), ("R$ 1.234,56", "1234.56 BRL"),
            ("3 999 ₽ (USD 44)", "3999 RUB"), ("1 299 ₽ −20%", "1299 RUB"), ("-20% 1 299 ₽", "1299 RUB"), ("1 299 ₽ + 130 бонусов", "1299 RUB"),
            ("٢٬٤٥٠٫٥٠", "2450.5"), ("۲۴۵۰", "2450"), ("२४५०", "2450"), ("２４５０円", "2450 JPY"), ("4,950円", "4950 JPY"), ("0,99 €", "0.99 EUR"),
            ("0.999", "0.999"),
            ("5 zł", "5 PLN"), ("1 234 Kč", "1234 CZK"), ("99 грн", "99 UAH"), ("1 000 ₸", "1000 KZT"), ("25 бел. руб.", "25 BYN"), ("£9.99", "9.99 GBP"),
            ("€ 1 299", "1299 EUR"), ("RUB 1299", "1299 RUB"), ("1299 RUR", "1299 RUB"), ("1299.0000", "1299"), ("100000", "100000"),
        ])
    func human(_ text: String, _ expected: String) {
        #expect(brief(PriceText.read(text)) == expected)
    }

    @Test(
        "what is no price is none",
        arguments: [
            "", " ", "{{price}}", "${price1}", "NaN", "undefined", "null", "Free", "Бесплатно", "цена по запросу", "+7 (495) 123-45-67", "12.05.2024",
            "1.2.3", "12:30", "арт. A12345", "№ 4711", "20%", "скидка 500 ₽", "99999999999999999999", "1000000000000000", "-5", "- 5 ₽", "1e21", "12x",
            String(repeating: "1 ", count: 500),
        ])
    func none(_ text: String) {
        #expect(brief(PriceText.read(text)) == "-")
    }

    @Test(
        "what is no price to pay is marked so",
        arguments: [
            ("от 1 083 ₽/мес", PriceRole.installment), ("1 083 ₽ в месяц", .installment), ("350 ₽/кг", .unit), ("350 ₽ за кг", .unit),
            ("12x de R$ 99", .installment),
        ])
    func roles(_ text: String, _ role: PriceRole) {
        #expect(PriceText.read(text)?.role == role)
    }

    @Test("the sum beside a monthly rate is the price")
    func besideInstallment() {
        #expect(brief(PriceText.read("12 990 ₽ или 1 083 ₽/мес")) == "12990 RUB")
    }

    @Test(
        "a machine's full stop is a decimal point, and a currency's decimals count",
        arguments: [
            ("12.500", "KWD", "12.5"), ("12.500", "EUR", "12.5"), ("1.299", "EUR", "1299"), ("1299.00", "RUB", "1299"), ("1,299", "USD", "1299"),
            ("2879.2", "RUB", "2879.2"), ("2879.20", "RUB", "2879.2"), ("4.950", "JPY", "4950"), ("129.9900", "EUR", "129.99"), ("0.500", "EUR", "0.5"),
        ])
    func machine(_ text: String, _ code: String, _ expected: String) {
        #expect(brief(PriceText.read(text, PriceContext(isMachine: true, currency: Currency(code)))) == expected)
    }

    @Test(
        "an amount becomes minor units by the currency's exponent, without floating point",
        arguments: [
            ("2879.2", "RUB", 287_920), ("2879.20", "RUB", 287_920), ("4950", "JPY", 4950), ("12.5", "KWD", 12_500), ("0.29", "USD", 29), ("1.005", "USD", 101),
            ("1.004", "USD", 100), ("16777217.01", "RUB", 1_677_721_701), ("90071992547409.93", "RUB", 9_007_199_254_740_993), ("1234.5", "JPY", 1235),
        ])
    func minorUnits(_ text: String, _ code: String, _ expected: Int64) throws {
        let currency = try #require(Currency(code))
        let parts = text.split(separator: ".").map(String.init)
        let amount = DecimalAmount(whole: parts[0], fraction: parts.count > 1 ? parts[1] : "")
        // Above the largest price there is no amount at all.
        guard let amount else {
            #expect(expected > DecimalAmount.largest)
            return
        }
        #expect(amount.money(in: currency)?.minorUnits == expected)
    }

    @Test("ambiguous signs are decided by the page's locale, or not at all")
    func locales() {
        func currency(_ text: String, _ locale: PageLocale) -> String? { PriceText.read(text, PriceContext(locale: locale))?.currency?.code }
        #expect(currency("$5", PageLocale(domain: "ca")) == "CAD")
        #expect(currency("$5", PageLocale()) == "USD")
        #expect(currency("¥500", PageLocale(domain: "jp")) == "JPY")
        #expect(currency("¥500", PageLocale(domain: "cn")) == "CNY")
        #expect(currency("¥500", PageLocale()) == nil)
        #expect(currency("99 kr", PageLocale(domain: "se")) == "SEK")
        #expect(currency("99 kr", PageLocale(domain: "com", language: "da")) == "DKK")
        #expect(currency("99 kr", PageLocale()) == nil)
        #expect(currency("25 Br", PageLocale(domain: "by")) == "BYN")
    }

    @Test(
        "currency fields may hold codes, words and signs",
        arguments: [("rub", "RUB"), ("RUR", "RUB"), ("руб.", "RUB"), ("₽", "RUB"), ("€", "EUR"), ("US$", "USD")])
    func fields(_ text: String, _ code: String) {
        #expect(CurrencyText.field(text, locale: PageLocale())?.code == code)
        #expect(CurrencyText.field("XXX", locale: PageLocale()) == nil)
        #expect(CurrencyText.field("", locale: PageLocale()) == nil)
    }

    @Test("random texts of price characters never do harm")
    func random() {
        let pieces = [
            "1", "29", "000", ".", ",", " ", "'", "-", "₽", "руб", "коп", "от", "до", "%", "(", ")", "/мес", "x", "$", "⁵", "\u{A0}", "٣", "kr", "+", ":", "№",
        ]
        for _ in 0..<5000 {
            let text = (0..<Int.random(in: 1...14)).map { _ in pieces.randomElement() ?? "" }.joined()
            if let reading = PriceText.read(text) {
                #expect(reading.amount.mantissa >= 0, "\(text)")
                #expect(reading.amount.decimals >= 0, "\(text)")
            }
        }
    }
}
