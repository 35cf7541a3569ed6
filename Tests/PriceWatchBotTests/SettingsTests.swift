import PriceWatchJobs
import PriceWatchModel
import TelegramBotAPI
import Testing

@testable import PriceWatchBot

@Suite("Settings in the chat")
struct SettingsTests {
    let api = FakeAPI()
    let chat = FakeChat()
    let conversation: Conversation

    init() { conversation = Conversation(api: api, chat: chat, languages: LanguageBook(), botName: "price_bot", logger: silent) }

    private func write(_ text: String, language: String = "en") async {
        let user = TelegramUser(id: 77, firstName: "Ann", languageCode: language)
        let message = TelegramMessage(messageID: 1, from: user, chat: TelegramChat(id: 77, type: "private"), date: 1, text: text)
        _ = await conversation.handle(TelegramUpdate(id: 1, content: .message(message)))
    }

    private func press(_ data: String) async {
        let user = TelegramUser(id: 77, firstName: "Ann", languageCode: "en")
        let shown = TelegramMessage(messageID: 5, chat: TelegramChat(id: 77), date: 1)
        _ = await conversation.handle(TelegramUpdate(id: 2, content: .callbackQuery(TelegramCallbackQuery(id: "q", from: user, message: shown, data: data))))
    }

    private var preferences: UserPreferences? { api.state.withLock { $0.preferences[77] } }

    @Test("the menu says what is chosen, in both languages", arguments: [("en", "Digest: off", "Time zone: not chosen"), ("ru", "Сводка: нет", "не выбран")])
    func menu(language: String, digest: String, zone: String) async throws {
        await write("/settings", language: language)
        let text = try #require(chat.texts(77).last)
        #expect(text.contains(digest) && text.contains(zone) && text.contains("1\u{A0}"))
    }

    @Test("every page of the settings is shown in the place of the menu, each button's data is read back, and leads somewhere", arguments: Language.allCases)
    func pages(language: Language) throws {
        let settings = ChatResult.Settings(preferences: UserPreferences(), intervals: CheckIntervals(standard: 5, minimum: 5))
        for page in SettingsPage.allCases {
            let message = BotMessages.settings(settings, page: page, BotWords(language))
            let buttons = try #require(message.keyboard).rows.flatMap { $0 }
            for button in buttons {
                let data = try #require(button.callbackData)
                #expect(ButtonData(data)?.text == data && (1...64).contains(data.utf8.count), "\(data)")
            }
            #expect(page == .menu || buttons.last?.callbackData == "g:m")
            #expect(message.text.length <= TelegramHTML.maximumText)
        }
    }

    @Test(
        "commands take what people write",
        arguments: [
            ("/interval 45m", UserPreferences(checkInterval: 2_700)), ("/interval 2 ч", UserPreferences(checkInterval: 7_200)),
            ("/interval 1d", UserPreferences(checkInterval: 86_400)), ("/interval 30", UserPreferences(checkInterval: 1_800)),
            ("/timezone +3", UserPreferences(timeZone: "+3")), ("/timezone@price_bot Europe/Paris", UserPreferences(timeZone: "Europe/Paris")),
            ("/digest daily 8", UserPreferences(digest: .daily, digestHour: 8)), ("/digest 8:00", UserPreferences(digest: .daily, digestHour: 8)),
            ("/digest weekly", UserPreferences(digest: .weekly)), ("/quiet 23-8", UserPreferences(quietHours: QuietHours(from: 23, until: 8))),
            ("/quiet 22:00 – 07:00", UserPreferences(quietHours: QuietHours(from: 22, until: 7))),
        ])
    func commands(text: String, expected: UserPreferences) async {
        await write(text)
        #expect(preferences == expected)
        #expect(chat.texts(77).last?.contains("Settings") == true)
    }

    @Test("off goes back to the default", arguments: ["/interval off", "/timezone default", "/digest off", "/quiet нет"])
    func off(text: String) async {
        api.state.withLock {
            $0.preferences[77] = UserPreferences(
                checkInterval: 900, timeZone: "UTC", digest: .daily, quietHours: QuietHours(from: 1, until: 2))
        }
        await write(text)
        let now = preferences
        let isDefault = [now?.checkInterval == nil, now?.timeZone == nil, now?.digest == .off, now?.quietHours == nil]
        #expect(isDefault.count { $0 } == 1)
    }

    @Test(
        "what makes no sense is answered with examples and changes nothing",
        arguments: ["/interval soon", "/digest 25", "/quiet 5-5", "/quiet 1-2-3", "/interval 0"])
    func nonsense(text: String) async {
        await write(text)
        #expect(preferences == nil)
        #expect(chat.texts(77).last?.contains("/quiet 23-8") == true)
    }

    @Test("an interval out of bounds is answered with the bounds")
    func bounds() async {
        await write("/interval 1m")
        #expect(preferences == nil)
        #expect(chat.texts(77).last?.contains("between 5\u{A0}min and 7\u{A0}d") == true)
    }

    @Test("buttons change the settings and show the menu again")
    func buttons() async {
        for data in ["u:900", "z:Europe/Moscow", "d:weekly", "dh:8", "q:23:8"] { await press(data) }
        #expect(
            preferences
                == UserPreferences(
                    checkInterval: 900, timeZone: "Europe/Moscow", digest: .weekly, digestHour: 8, quietHours: QuietHours(from: 23, until: 8)))
        for data in ["u:0", "d:off", "q:off"] { await press(data) }
        #expect(preferences == UserPreferences(timeZone: "Europe/Moscow", digestHour: 8))
        #expect(chat.texts(77).allSatisfy { $0.contains("Settings") })
    }

    @Test(
        "forged data is none of ours",
        arguments: [
            "u:-1", "u:01", "u:99999999999", "z:../etc", "z:", "d:hourly", "dh:24", "q:5:5", "q:1", "q:1:2:3", "i:0", "i:1:-1", "i:1:2:3", "r:x", "g:x", "",
        ])
    func forged(data: String) async {
        #expect(ButtonData(data) == nil)
        await press(data)
        #expect(preferences == nil)
    }

    @Test("one product's interval is chosen in a message of its own and set; another chat's is not found")
    func oneProduct() async {
        let watch = api.watch(4)
        api.state.withLock { $0.watches[77] = [watch] }
        await press("i:4")
        guard case .sent(77, let id, let offer)? = chat.events.last else {
            Issue.record("a choice is sent: \(chat.events)")
            return
        }
        #expect(offer.keyboard?.rows.flatMap { $0 }.map(\.callbackData).contains("i:4:900") == true && id > 0)
        await press("i:4:900")
        #expect(chat.texts(77).last?.contains("every 15\u{A0}min") == true)
        await press("i:9")
        #expect(chat.events.last == .answered("q", BotWords(.english).fault(.notFound)))
    }

    @Test("trying again tells what became of the link; only when it works the button goes")
    func retrying() async {
        let watch = api.watch(4)
        api.state.withLock { state in
            state.watches[77] = [watch]
            state.retried = RetryWatch.Outcome(watch: watch, failure: .blocked)
        }
        await press("r:4")
        #expect(chat.texts(77).last?.contains("Still no luck") == true)
        #expect(!chat.events.contains(.buttonsRemoved(chat: 77, id: 5)))
        api.state.withLock { $0.retried = nil }
        await press("r:4")
        #expect(chat.texts(77).last?.contains("works again") == true)
        #expect(chat.events.contains(.buttonsRemoved(chat: 77, id: 5)))
    }

    @Test("every kind of notification fits into a message with the longest names, and says why", arguments: Language.allCases)
    func notifications(language: Language) throws {
        let name = String(repeating: "<&\"😀 ", count: 2_000)
        let price = Money(minorUnits: Int64.max, currency: .rub)
        let state = LinkState(watchID: Int64.max, productID: 1, name: name, link: "https://shop.example/" + String(repeating: "x", count: 80), price: price)
        var contents: [Notification.Content] = [.linkRecovered(state)]
        contents += ParseFailure.allCases.flatMap { [.linkFailed(state, $0), .linkPaused(state, $0)] }
        let line = Digest.Line(name: name, link: state.link, old: Money(minorUnits: 1, currency: .rub), new: price, failure: .noPrice)
        contents.append(.digest(Digest(following: 100, changed: 60, failing: 60, lines: Array(repeating: line, count: Digest.longest))))
        for content in contents {
            let message = BotMessages.notification(Notification(outboxID: 1, chatID: 77, language: language, content: content))
            #expect(message.text.length <= TelegramHTML.maximumText, "\(content.kind)")
            #expect(message.keyboard?.rows.flatMap { $0 }.allSatisfy { ButtonData($0.callbackData ?? "") != nil } ?? true)
        }
        let digest = BotMessages.notification(Notification(outboxID: 1, chatID: 77, language: language, content: try #require(contents.last)))
        #expect(digest.text.html.contains(language == .russian ? "и ещё 100" : "and 100 more"))
    }

    @Test("the list marks links that do not work, and the history shows a day's lowest and highest price")
    func marks() {
        var watch = api.watch(1)
        watch.product.lastFailure = .notFound
        watch.product.isPaused = true
        #expect(BotMessages.list([watch], page: 0, BotWords(.english)).text.html.contains("⏸ the page is gone"))
        let point = PricePoint(
            price: Money(minorUnits: 199_000, currency: .rub), availability: .inStock, seenAt: 0, range: .init(low: 149_000, high: 199_000))
        let history = BotMessages.history(ChatResult.History(product: watch.product, points: [point]), BotWords(.english))
        #expect(history.text.html.contains("(1490\u{A0}₽ … 1990\u{A0}₽)"))
    }
}
