import PriceWatchModel

/// The bot's sentences in the user's language. Plain text: what is put into them is escaped where messages are made.
struct BotWords: Sendable {
    let language: Language

    init(_ language: Language) { self.language = language }

    func say(_ english: String, _ russian: String) -> String { language == .russian ? russian : english }

    // MARK: Conversation

    func greeting(_ name: String) -> String { say("Hello, \(name)!", "Здравствуйте, \(name)!") }
    var help: String {
        say(
            """
            Send me a link to a product, and I will watch its price. When it changes, I write to you at once: what it was, and what it is now.

            /list – what you follow
            /settings – how often, digests, quiet hours
            /language – Русский or English
            /help – this message
            """,
            """
            Пришлите ссылку на товар, и я буду следить за его ценой. Как только она изменится, напишу: сколько было и сколько стало.

            /list – за чем я слежу
            /settings – как часто, сводки, тихие часы
            /language – русский или English
            /help – эта подсказка
            """)
    }
    var noLink: String {
        say(
            "I see no link here. Send me the address of a product's page, such as https://shop.example/item",
            "Здесь нет ссылки. Пришлите адрес страницы товара, например https://shop.example/item")
    }
    var unknownCommand: String { say("I do not know this command. /help tells what I can do.", "Такой команды нет. Что я умею – /help") }
    var looking: String { say("🔎 Looking at the page…", "🔎 Смотрю страницу…") }
    var found: String { say("👇 Found it", "👇 Нашёл") }
    func tooManyLinks(_ taken: Int) -> String {
        say("I take \(taken) links from one message; please send the rest separately.", "Беру из сообщения \(taken) ссылок; остальные пришлите отдельно.")
    }
    var busyChat: String {
        say(
            "I am still busy with your earlier messages and did not take this one. Please send it again in a moment.",
            "Я ещё занят вашими прошлыми сообщениями и это не взял. Пришлите его ещё раз чуть позже.")
    }

    // MARK: Following

    var nowFollowing: String { say("✅ I follow this price", "✅ Слежу за ценой") }
    var alreadyFollowing: String { say("✅ You follow this already", "✅ Вы уже следите за этим товаром") }
    var price: String { say("Price", "Цена") }
    var openShop: String { say("Open in the shop", "Открыть в магазине") }
    func availability(_ availability: Availability) -> String? {
        switch availability {
        case .inStock: say("in stock", "в наличии")
        case .outOfStock: say("out of stock", "нет в наличии")
        case .preorder: say("on order", "под заказ")
        case .unknown: nil
        }
    }
    func tooMany(_ limit: Int) -> String {
        say(
            "You follow \(limit) products already, and more is not possible. Stop one in /list first.",
            "Вы следите уже за \(limit) товарами, больше нельзя. Сначала уберите лишнее: /list")
    }

    func failure(_ failure: ParseFailure) -> String {
        switch failure {
        case .notFound: say("There is no such page in the shop. Check the link, please.", "Такой страницы в магазине нет. Проверьте ссылку.")
        case .blocked:
            say(
                "The shop does not let robots in, so I cannot read the price there. Perhaps later.",
                "Магазин не пускает роботов, поэтому цену мне не прочитать. Попробуйте позже.")
        case .notAProduct: say("I see no product on this page. Send the link to one product.", "На этой странице нет товара. Пришлите ссылку на один товар.")
        case .noPrice: say("I found the product, but no price for it. Perhaps it is sold out.", "Товар есть, а цены у него нет. Возможно, он распродан.")
        case .timedOut: say("The shop took too long to answer. Try again later.", "Магазин слишком долго не отвечает. Попробуйте позже.")
        case .refusedAddress:
            say("I cannot go to this address. I need a link to a shop on the internet.", "По такому адресу я не хожу. Нужна ссылка на магазин в интернете.")
        case .unreachable: say("The shop cannot be reached now. Try again later.", "Магазин сейчас недоступен. Попробуйте позже.")
        case .parserUnavailable:
            say("I cannot read pages at the moment. Try again in a few minutes.", "Сейчас я не могу читать страницы. Попробуйте через несколько минут.")
        }
    }

    func fault(_ code: ChatFault.Code) -> String {
        switch code {
        case .notFound: say("You do not follow this product any more.", "Вы больше не следите за этим товаром.")
        case .timedOut: say("This takes longer than usual. Look into /list in a minute, please.", "Это дольше, чем обычно. Загляните в /list через минуту.")
        case .busy: say("Too many people are asking at once. Try again in a minute, please.", "Сейчас слишком много запросов. Попробуйте через минуту.")
        case .badRequest: say("I could not make sense of that. /help tells what I can do.", "Не получилось это понять. Что я умею – /help")
        default:
            say(
                "The service is not available at the moment. Try again in a few minutes, please.", "Сервис сейчас недоступен. Попробуйте через несколько минут."
            )
        }
    }

    // MARK: Buttons

    var historyButton: String { say("📈 History", "📈 История") }
    var stopButton: String { say("🛑 Stop", "🛑 Не следить") }
    func listHistoryButton(_ number: Int) -> String { "\(number). \(historyButton)" }
    func listStopButton(_ number: Int) -> String { "\(number). \(stopButton)" }
    var staleButton: String { say("This button has no effect any more.", "Эта кнопка уже не действует.") }

    // MARK: List and history

    func following(_ count: Int) -> String { say("You follow \(count):", "Вы следите: \(count)") }
    var nothingFollowed: String { say("You follow nothing yet. Send me a link to a product.", "Вы пока ни за чем не следите. Пришлите ссылку на товар.") }
    var stopped: String { say("🛑 You do not follow this product any more.", "🛑 Больше не слежу за этим товаром.") }
    var pastPrices: String { say("Past prices (UTC):", "Прежние цены (UTC):") }
    var noHistory: String { say("There are no earlier prices yet.", "Прежних цен пока нет.") }

    // MARK: Notifications

    var was: String { say("Was", "Было") }
    var now: String { say("Now", "Стало") }

    // MARK: Language

    var chooseLanguage: String { say("Which language shall I speak?", "На каком языке мне говорить?") }
    var languageChosen: String { say("I speak English now.", "Теперь я говорю по-русски.") }
    static func name(of language: Language) -> String { language == .russian ? "Русский" : "English" }

    /// What the app offers after a slash.
    var commands: [(name: String, description: String)] {
        [
            ("list", say("What I follow", "За чем я слежу")), ("settings", say("How often, digests, quiet hours", "Как часто, сводки, тихие часы")),
            ("language", say("Русский or English", "Русский или English")),
            ("help", say("What the bot can do", "Что умеет бот")), ("start", say("Begin", "Начать")),
        ]
    }
}
