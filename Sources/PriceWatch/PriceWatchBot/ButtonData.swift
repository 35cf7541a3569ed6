import PriceWatchModel

/// What the bot's buttons carry: at most 64 bytes, read strictly, because it comes back from a client and anybody can forge it. It grants nothing: the
/// API asks whose watch it is.
enum ButtonData: Equatable {
    /// The newest prices of a watch.
    case history(watchID: Int64)
    /// Stop following, under the message of one product.
    case stop(watchID: Int64)
    /// Stop following, in the list; its page is shown again.
    case stopInList(watchID: Int64, page: Int)
    /// A page of the list, from 0.
    case page(Int)
    /// A language chosen.
    case language(Language)
    /// A page of the settings.
    case settings(SettingsPage)
    /// How often all that the user follows is checked, in seconds; `nil`: as usual.
    case interval(Int?)
    /// A time zone by its name.
    case timeZone(String)
    /// How often a digest comes.
    case digest(DigestPeriod)
    /// The hour of the digest.
    case digestHour(Int)
    /// Quiet hours; `nil`: none.
    case quiet(QuietHours?)
    /// The choice of an interval for one product.
    case watchIntervals(watchID: Int64)
    /// How often one product is checked, in seconds; `nil`: as all of theirs.
    case watchInterval(watchID: Int64, seconds: Int?)
    /// Read the page of a link that does not work once more.
    case retry(watchID: Int64)

    var text: String {
        switch self {
        case .history(let id): "h:\(id)"
        case .stop(let id): "s:\(id)"
        case .stopInList(let id, let page): "x:\(id):\(page)"
        case .page(let page): "p:\(page)"
        case .language(let language): "l:\(language.rawValue)"
        case .settings(let page): "g:\(page.rawValue)"
        case .interval(let seconds): "u:\(seconds ?? 0)"
        case .timeZone(let zone): "z:\(zone)"
        case .digest(let period): "d:\(period.rawValue)"
        case .digestHour(let hour): "dh:\(hour)"
        case .quiet(let hours): hours.map { "q:\($0.from):\($0.until)" } ?? "q:off"
        case .watchIntervals(let id): "i:\(id)"
        case .watchInterval(let id, let seconds): "i:\(id):\(seconds ?? 0)"
        case .retry(let id): "r:\(id)"
        }
    }

    /// `nil` for anything that no button of ours carries.
    init?(_ text: String) {
        let parts = text.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch (parts.first, parts.count) {
        case ("h", 2):
            guard let id = Self.id(parts[1]) else { return nil }
            self = .history(watchID: id)
        case ("s", 2):
            guard let id = Self.id(parts[1]) else { return nil }
            self = .stop(watchID: id)
        case ("x", 3):
            guard let id = Self.id(parts[1]), let page = Self.page(parts[2]) else { return nil }
            self = .stopInList(watchID: id, page: page)
        case ("p", 2):
            guard let page = Self.page(parts[1]) else { return nil }
            self = .page(page)
        case ("l", 2):
            guard let language = Language(rawValue: parts[1]) else { return nil }
            self = .language(language)
        case ("r", 2):
            guard let id = Self.id(parts[1]) else { return nil }
            self = .retry(watchID: id)
        default:
            guard let setting = Self.setting(parts) else { return nil }
            self = setting
        }
    }

    private static func setting(_ parts: [String]) -> ButtonData? {
        switch (parts[0], parts.count) {
        case ("g", 2): return SettingsPage(rawValue: parts[1]).map { .settings($0) }
        case ("u", 2): return seconds(parts[1]).map { .interval($0 == 0 ? nil : $0) }
        case ("z", 2): return ZoneName(parts[1]).map { .timeZone($0.text) }
        case ("d", 2): return DigestPeriod(rawValue: parts[1]).map { .digest($0) }
        case ("dh", 2): return page(parts[1]).flatMap { $0 < 24 ? .digestHour($0) : nil }
        case ("q", 2): return parts[1] == "off" ? .quiet(nil) : nil
        case ("q", 3):
            guard let from = page(parts[1]), let until = page(parts[2]) else { return nil }
            return QuietHours(from: from, until: until).map { .quiet($0) }
        case ("i", 2): return id(parts[1]).map { .watchIntervals(watchID: $0) }
        case ("i", 3):
            guard let id = id(parts[1]), let seconds = seconds(parts[2]) else { return nil }
            return .watchInterval(watchID: id, seconds: seconds == 0 ? nil : seconds)
        default: return nil
        }
    }

    private static func seconds(_ text: String) -> Int? {
        guard let seconds = Int(text), (0...Int(Int32.max)).contains(seconds), String(seconds) == text else { return nil }
        return seconds
    }

    private static func id(_ text: String) -> Int64? {
        guard let id = Int64(text), id > 0, String(id) == text else { return nil }
        return id
    }

    private static func page(_ text: String) -> Int? {
        guard let page = Int(text), (0...10_000).contains(page), String(page) == text else { return nil }
        return page
    }
}
