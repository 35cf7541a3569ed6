import ApiumCore

/// The languages in which answers are given to people.
public enum Language: String, Sendable, Hashable, CaseIterable {
    /// English.
    case english = "en"
    /// Russian.
    case russian = "ru"

    /// The language of a locale's name, such as `ru_RU.UTF-8`; English for all that is not Russian.
    public init(locale: String) { self = locale.lowercased().hasPrefix("ru") ? .russian : .english }

    /// One of two texts.
    func of(_ english: @autoclosure () -> String, _ russian: @autoclosure () -> String) -> String {
        switch self {
        case .english: english()
        case .russian: russian()
        }
    }

    /// A duration in its greatest whole unit, such as `5 min`.
    public func text(_ duration: Duration) -> String {
        let seconds = abs(duration.components.seconds)
        switch seconds {
        case ..<120: return "\(seconds) " + of("s", "с")
        case ..<7200: return "\(seconds / 60) " + of("min", "мин")
        case ..<172_800: return "\(seconds / 3600) " + of("h", "ч")
        default: return "\(seconds / 86_400) " + of("d", "дн.")
        }
    }

    /// An instant, and how far it is from another.
    func text(_ instant: Timestamp, at now: Timestamp) -> String {
        let distance = instant - now
        let words = distance > .zero ? of("in ", "через ") + text(distance) : text(distance) + of(" ago", " назад")
        return "\(instant.iso8601) (\(words))"
    }
}
