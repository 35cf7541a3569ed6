import PriceWatchJobs
import PriceWatchModel
import TelegramBotAPI

/// A message as the bot wants it: text, buttons, perhaps a picture.
struct BotMessage: Sendable, Equatable {
    var text: TelegramHTML
    var keyboard: TelegramKeyboard?
    /// Shown above the text where it can be had.
    var pictureURL: String?

    init(_ text: TelegramHTML, keyboard: TelegramKeyboard? = nil, pictureURL: String? = nil) {
        self.text = text
        self.keyboard = keyboard
        self.pictureURL = pictureURL
    }
}

/// Every message of the bot as a function of what it says. Names and links come from strangers' pages: they go in as text of one line, cut to a length.
enum BotMessages {
    /// The longest name shown, in UTF-16 units: Telegram counts 1,024 under a picture.
    static let nameLength = 300
    /// Watches on one page of the list.
    static let pageSize = 8
    /// Prices in the history.
    static let historyLength = 15

    static func greeting(_ words: BotWords, name: String) -> BotMessage {
        BotMessage(.bold(words.greeting(TelegramHTML.line(name, to: 64))) + "\n\n" + TelegramHTML(words.help))
    }

    static func language(_ words: BotWords) -> BotMessage {
        let buttons = [Language.russian, .english].map { TelegramButton.callback(BotWords.name(of: $0), data: ButtonData.language($0).text) }
        return BotMessage(TelegramHTML(words.chooseLanguage), keyboard: TelegramKeyboard([buttons]))
    }

    // MARK: Following

    static func outcome(_ outcome: AddProduct.Outcome, _ words: BotWords) -> BotMessage {
        switch outcome {
        case .added(let added): product(added.watch, words, isNew: added.isNew)
        case .unreadable(let failure): BotMessage("⚠️ " + TelegramHTML(words.failure(failure)))
        case .tooMany(let limit): BotMessage("⚠️ " + TelegramHTML(words.tooMany(limit)))
        }
    }

    private static func product(_ watch: Watch, _ words: BotWords, isNew: Bool) -> BotMessage {
        let product = watch.product
        var text = name(product) + "\n\(words.price): " + .bold(PriceText.money(product.price, words.language))
        if let availability = words.availability(product.availability) { text += "\n\(availability)" }
        text += "\n\n" + TelegramHTML(isNew ? words.nowFollowing : words.alreadyFollowing)
        let interval = TelegramButton.callback(words.intervalButton, data: ButtonData.watchIntervals(watchID: watch.id).text)
        return BotMessage(text, keyboard: TelegramKeyboard(keyboard(watchID: watch.id, words).rows + [[interval]]), pictureURL: product.imageURL)
    }

    /// The name, leading to the shop.
    static func name(_ product: Product, to units: Int = nameLength) -> TelegramHTML {
        .link(TelegramHTML.line(product.name, to: units), url: product.canonicalURL)
    }

    static func keyboard(watchID: Int64, _ words: BotWords) -> TelegramKeyboard {
        TelegramKeyboard([
            [
                .callback(words.historyButton, data: ButtonData.history(watchID: watchID).text),
                .callback(words.stopButton, data: ButtonData.stop(watchID: watchID).text),
            ]
        ])
    }

    // MARK: List and history

    /// One page of what is followed; a page past the end shows the last one.
    static func list(_ watches: [Watch], page: Int, _ words: BotWords) -> BotMessage {
        guard !watches.isEmpty else { return BotMessage(TelegramHTML(words.nothingFollowed)) }
        let pages = (watches.count + pageSize - 1) / pageSize
        let page = min(max(page, 0), pages - 1)
        var text = TelegramHTML.bold(words.following(watches.count))
        var rows: [[TelegramButton]] = []
        for (index, watch) in watches.enumerated().dropFirst(page * pageSize).prefix(pageSize) {
            let number = index + 1
            text += "\n\n\(number). " + name(watch.product, to: 120) + "\n" + .bold(PriceText.money(watch.product.price, words.language))
            if let mark = state(watch.product, words) { text += " " + TelegramHTML(mark) }
            rows.append([
                .callback(words.listHistoryButton(number), data: ButtonData.history(watchID: watch.id).text),
                .callback(words.listStopButton(number), data: ButtonData.stopInList(watchID: watch.id, page: page).text),
            ])
        }
        var steps: [TelegramButton] = []
        if page > 0 { steps.append(.callback("‹ \(page)/\(pages)", data: ButtonData.page(page - 1).text)) }
        if page + 1 < pages { steps.append(.callback("\(page + 2)/\(pages) ›", data: ButtonData.page(page + 1).text)) }
        if !steps.isEmpty { rows.append(steps) }
        return BotMessage(text, keyboard: TelegramKeyboard(rows))
    }

    static func history(_ history: ChatResult.History, _ words: BotWords) -> BotMessage {
        var text = TelegramHTML.bold(TelegramHTML.line(history.product.name, to: nameLength))
        guard !history.points.isEmpty else { return BotMessage(text + "\n" + TelegramHTML(words.noHistory)) }
        text += "\n" + TelegramHTML(words.pastPrices) + "\n"
        for (index, point) in history.points.prefix(historyLength).enumerated() {
            let earlier = index + 1 < history.points.count ? history.points[index + 1].price : nil
            text +=
                "\n\(PriceText.moment(point.seenAt)) – " + .bold(PriceText.money(point.price, words.language))
                + TelegramHTML(range(point, words.language) + direction(from: earlier, to: point.price))
        }
        return BotMessage(text)
    }

    /// What the list says of a link that does not work.
    private static func state(_ product: Product, _ words: BotWords) -> String? {
        guard let failure = product.lastFailure else { return nil }
        return (product.isPaused ? "⏸ " : "⚠️ ") + words.reason(failure)
    }

    /// ` (1490 ₽ … 1990 ₽)` of a day with several prices.
    private static func range(_ point: PricePoint, _ language: Language) -> String {
        guard let range = point.range, range.low != range.high else { return "" }
        let (low, high) = (Money(minorUnits: range.low, currency: point.price.currency), Money(minorUnits: range.high, currency: point.price.currency))
        return " (\(PriceText.money(low, language)) … \(PriceText.money(high, language)))"
    }

    private static func direction(from old: Money?, to new: Money) -> String {
        guard let old, old.currency == new.currency, old.minorUnits != new.minorUnits else { return "" }
        return new.minorUnits < old.minorUnits ? " ↓" : " ↑"
    }

    // MARK: Notifications

    static func notification(_ notification: Notification) -> BotMessage {
        let words = BotWords(notification.language)
        return switch notification.content {
        case .priceChange(let watchID, let change): changed(change, watchID: watchID, words)
        case .linkFailed(let state, let failure): failed(state, words, words.linkFailed(failure), isPaused: false)
        case .linkPaused(let state, let failure): failed(state, words, words.linkPaused(failure), isPaused: true)
        case .linkRecovered(let state): recovered(state, words)
        case .digest(let content): digest(content, words)
        }
    }

    private static func changed(_ change: PriceChange, watchID: Int64, _ words: BotWords) -> BotMessage {
        let isLower = change.old.currency == change.new.currency && change.new.minorUnits < change.old.minorUnits
        var text: TelegramHTML = isLower ? "📉 " : "📈 "
        text += .link(TelegramHTML.line(change.name, to: nameLength), url: change.link)
        text += "\n\(words.was): " + .struck(PriceText.money(change.old, words.language))
        text += "\n\(words.now): " + .bold(PriceText.money(change.new, words.language))
        if let percent = PriceText.percent(from: change.old, to: change.new) { text += " (\(percent))" }
        return BotMessage(text, keyboard: keyboard(watchID: watchID, words))
    }
}
