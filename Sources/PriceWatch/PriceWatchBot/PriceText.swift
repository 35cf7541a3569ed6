import PriceWatchModel

/// Amounts and moments as people read them.
enum PriceText {
    /// `1990 ₽`, `12 990,50 ₽`, `12.99 $`: minor units only when there are any, groups of three from five digits on.
    static func money(_ money: Money, _ language: Language) -> String {
        let parts = money.decimalText.split(separator: ".", omittingEmptySubsequences: false)
        let isNegative = parts[0].hasPrefix("-")
        var text = (isNegative ? "−" : "") + grouped(parts[0].drop { $0 == "-" })
        if parts.count > 1, parts[1].contains(where: { $0 != "0" }) { text += (language == .russian ? "," : ".") + parts[1] }
        return text + "\u{A0}" + symbol(money.currency)
    }

    private static func grouped(_ digits: Substring) -> String {
        guard digits.count > 4 else { return String(digits) }
        var grouped = ""
        for (index, digit) in digits.enumerated() {
            if index > 0, (digits.count - index).isMultiple(of: 3) { grouped.append("\u{A0}") }
            grouped.append(digit)
        }
        return grouped
    }

    private static func symbol(_ currency: Currency) -> String {
        switch currency.code {
        case "RUB": "₽"
        case "USD": "$"
        case "EUR": "€"
        case "GBP": "£"
        case "KZT": "₸"
        case "BYN": "Br"
        case "UAH": "₴"
        case "CNY": "¥"
        default: currency.code
        }
    }

    /// The change in per cent, `−25 %`; `nil` across currencies, from nothing, or below half a per cent.
    static func percent(from old: Money, to new: Money) -> String? {
        guard old.currency == new.currency, old.minorUnits > 0 else { return nil }
        let percent = (Double(new.minorUnits) - Double(old.minorUnits)) / Double(old.minorUnits) * 100
        let whole = Int64(exactly: percent.rounded()) ?? 0
        guard whole != 0 else { return nil }
        return (whole < 0 ? "−" : "+") + "\(whole.magnitude)\u{A0}%"
    }

    /// `23.11.2026 04:10` in UTC, from microseconds since 1970.
    static func moment(_ microseconds: Int64) -> String {
        let seconds = microseconds >= 0 ? microseconds / 1_000_000 : (microseconds - 999_999) / 1_000_000
        let days = seconds >= 0 ? seconds / 86_400 : (seconds - 86_399) / 86_400
        let inDay = seconds - days * 86_400
        let date = civil(days)
        return "\(two(date.day)).\(two(date.month)).\(date.year) \(two(inDay / 3_600)):\(two(inDay % 3_600 / 60))"
    }

    private static func two(_ number: Int64) -> String { number < 10 ? "0\(number)" : "\(number)" }

    /// The Gregorian date of a day counted from 1970-01-01. In years that begin in March a leap day is the last day of the year, so that the months
    /// before it always start on the same days.
    private static func civil(_ days: Int64) -> (year: Int64, month: Int64, day: Int64) {
        let shifted = days + 719_468
        let era = (shifted >= 0 ? shifted : shifted - 146_096) / 146_097
        let dayOfEra = shifted - era * 146_097
        let yearOfEra = (dayOfEra - dayOfEra / 1_460 + dayOfEra / 36_524 - dayOfEra / 146_096) / 365
        let dayOfYear = dayOfEra - (365 * yearOfEra + yearOfEra / 4 - yearOfEra / 100)
        let marchMonth = (5 * dayOfYear + 2) / 153
        let month = marchMonth < 10 ? marchMonth + 3 : marchMonth - 9
        return (yearOfEra + era * 400 + (month <= 2 ? 1 : 0), month, dayOfYear - (153 * marchMonth + 2) / 5 + 1)
    }
}
