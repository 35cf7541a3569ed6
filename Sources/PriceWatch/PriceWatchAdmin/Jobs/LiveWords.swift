import ApiumCore
import ApiumInspect
import PriceWatchModel

/// Numbers and times as people read them, in the page's language.
struct LiveWords: Sendable {
    let language: PriceWatchModel.Language

    /// The language of what `ApiumInspect` says.
    var inspecting: ApiumInspect.Language { language == .russian ? .russian : .english }

    private func of(_ english: String, _ russian: String) -> String { language == .russian ? russian : english }

    /// What is not known.
    static let unknown = "–"

    /// A number with its thousands apart.
    func count(_ number: some BinaryInteger) -> String {
        let digits = String(number)
        guard digits.count > 3 else { return digits }
        var groups: [Substring] = []
        var rest = digits[...]
        while rest.count > 3 {
            groups.insert(rest.suffix(3), at: 0)
            rest = rest.dropLast(3)
        }
        groups.insert(rest, at: 0)
        // Spaces that do not break a line.
        return groups.joined(separator: language == .russian ? "\u{A0}" : ",")
    }

    /// What is held back beside a queue: ` + 7 held`; nothing where nothing is.
    func held(_ number: Int) -> String { number == 0 ? "" : " + \(count(number)) " + of("held", "на удержании") }

    /// So many per second, or per minute when that is few.
    func rate(_ perSecond: Double?) -> String {
        guard let perSecond else { return Self.unknown }
        if perSecond == 0 { return "0" }
        return perSecond >= 1
            ? decimal(perSecond) + of("/s", "/с") : decimal(perSecond * 60) + of("/min", "/мин")
    }

    /// Three digits at most.
    func decimal(_ number: Double) -> String {
        if number >= 100 { return count(Int(number.rounded())) }
        let tenths = Int((number * 10).rounded())
        guard tenths % 10 != 0 else { return String(tenths / 10) }
        return "\(tenths / 10)\(of(".", ","))\(tenths % 10)"
    }

    func duration(_ duration: Duration?) -> String {
        guard let seconds = duration?.inSeconds else { return Self.unknown }
        switch seconds {
        case ..<0.001: return "<1\u{A0}" + of("ms", "мс")
        case ..<0.9995: return "\(Int((seconds * 1000).rounded()))\u{A0}" + of("ms", "мс")
        case ..<99.95: return decimal(seconds) + "\u{A0}" + of("s", "с")
        case ..<7200: return "\(Int(seconds / 60))\u{A0}" + of("min", "мин")
        case ..<172_800: return "\(Int(seconds / 3600))\u{A0}" + of("h", "ч")
        default: return "\(Int(seconds / 86_400))\u{A0}" + of("d", "дн.")
        }
    }

    /// How long ago, or in how long.
    func distance(_ instant: Timestamp, at now: Timestamp) -> String {
        let distance = instant - now
        let length = distance > .zero ? distance : .zero - distance
        guard length >= .seconds(1) else { return of("now", "сейчас") }
        // Nobody asks for tenths of a second.
        let words = duration(length < .seconds(100) ? .seconds(length.components.seconds) : length)
        return distance > .zero ? of("in ", "через ") + words : words + of(" ago", " назад")
    }

    /// A time in UTC, to the second.
    func time(_ instant: Timestamp) -> String { String(instant.iso8601.prefix(19)).replacing("T", with: " ") }

    /// A part of a hundred.
    func percent(_ part: Int64, of whole: Int64) -> String {
        guard whole > 0 else { return Self.unknown }
        let share = Double(part) / Double(whole) * 100
        return (share > 0 && share < 0.1 ? "<" + decimal(0.1) : decimal(share)) + (language == .russian ? "\u{A0}%" : "%")
    }
}
