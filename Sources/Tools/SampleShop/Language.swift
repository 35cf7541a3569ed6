import Hummingbird

/// The languages of the shop's pages.
enum Language: String, Sendable {
    case english = "en"
    case russian = "ru"

    /// `?lang=`, else what the browser prefers, else English.
    init(_ request: Request) {
        if let chosen = request.uri.queryParameters.get("lang").flatMap(Language.init(rawValue:)) {
            self = chosen
            return
        }
        self = (request.headers[.acceptLanguage] ?? "").lowercased().hasPrefix("ru") ? .russian : .english
    }

    private func pick(_ english: String, _ russian: String) -> String { self == .english ? english : russian }

    var shop: String { pick("Sample shop", "Учебный магазин") }
    var intro: String {
        pick(
            "Copy a link, send it to the bot, then change the price here: the chat shows the old and the new one.",
            "Скопируйте ссылку, отправьте её боту, а потом поменяйте цену здесь: в чат придут старая и новая.")
    }
    var copy: String { pick("Copy link", "Копировать ссылку") }
    var copied: String { pick("Copied", "Скопировано") }
    var save: String { pick("Save", "Сохранить") }
    var price: String { pick("Price", "Цена") }
    var availability: String { pick("Availability", "Наличие") }
    var markup: String { pick("Markup", "Разметка") }
    var back: String { pick("All products", "Все товары") }
    var similar: String { pick("Similar", "Похожие товары") }
    var missing: String { pick("Page not found", "Страница не найдена") }
    var other: Language { self == .english ? .russian : .english }
    var otherName: String { pick("Русский", "English") }

    func name(_ availability: ShopAvailability) -> String {
        switch availability {
        case .inStock: pick("in stock", "в наличии")
        case .outOfStock: pick("out of stock", "нет в наличии")
        case .preorder: pick("to order", "под заказ")
        }
    }
}
