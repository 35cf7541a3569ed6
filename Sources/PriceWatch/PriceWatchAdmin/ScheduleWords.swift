import ApiumBeat
import ApiumCore
import PriceWatchModel

extension Schedule {
    /// When an entry fires, in the page's language.
    func text(in language: Language) -> String {
        guard language == .russian else { return description }
        switch self {
        case .every(let period): return "каждые " + Self.russian(period)
        case .crontab(let crontab, let zone, _): return "crontab \(crontab), пояс \(zone)"
        case .solar(let solar): return "солнце: \(solar.event.russian) (\(solar.latitude), \(solar.longitude))"
        case .at(let moment): return "один раз, \(moment.iso8601)"
        }
    }

    /// The unit is that of the English text, a letter or two behind the number.
    private static func russian(_ period: Duration) -> String {
        let text = DurationText.text(period)
        let number = text.prefix { !$0.isLetter }
        let units = ["d": "дн.", "h": "ч", "m": "мин", "s": "с", "ms": "мс"]
        return number + "\u{A0}" + (units[String(text.dropFirst(number.count))] ?? "")
    }
}

extension SolarSchedule.Event {
    fileprivate var russian: String {
        switch self {
        case .dawnAstronomical: "астрономический рассвет"
        case .dawnNautical: "навигационный рассвет"
        case .dawnCivil: "гражданский рассвет"
        case .sunrise: "восход"
        case .solarNoon: "полдень"
        case .sunset: "закат"
        case .duskCivil: "конец гражданских сумерек"
        case .duskNautical: "конец навигационных сумерек"
        case .duskAstronomical: "конец астрономических сумерек"
        }
    }
}

extension SlotPreview.Note {
    /// What the clock does, in the page's language.
    func text(in language: Language) -> String {
        guard language == .russian else { return description }
        switch self {
        case .firstOfTwo: return "этот час показан впервые"
        case .secondOfTwo: return "этот час показан второй раз"
        case .changed(let old, let new): return "часы переведены с \(old) на \(new)"
        }
    }
}
