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

    var text: String {
        switch self {
        case .history(let id): "h:\(id)"
        case .stop(let id): "s:\(id)"
        case .stopInList(let id, let page): "x:\(id):\(page)"
        case .page(let page): "p:\(page)"
        case .language(let language): "l:\(language.rawValue)"
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
        default: return nil
        }
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
