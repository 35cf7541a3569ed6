import PriceWatchJobs
import PriceWatchModel
import Synchronization
import TelegramBotAPI
import Testing

@testable import PriceWatchBot

@Suite("The conversation")
struct ConversationTests {
    let api = FakeAPI()
    let chat = FakeChat()
    let conversation: Conversation

    init() { conversation = Conversation(api: api, chat: chat, languages: LanguageBook(), botName: "price_bot", logger: silent) }

    private func write(_ text: String, in id: Int64 = 77, language: String = "en", type: String = "private") async {
        let user = TelegramUser(id: 77, firstName: "Ann <b>", languageCode: language)
        let message = TelegramMessage(messageID: 1, from: user, chat: TelegramChat(id: id, type: type), date: 1, text: text)
        _ = await conversation.handle(TelegramUpdate(id: 1, content: .message(message)))
    }

    private func press(_ data: String?, in id: Int64 = 77, message: Int64 = 5) async {
        let user = TelegramUser(id: id, firstName: "Ann", languageCode: "en")
        let shown = TelegramMessage(messageID: message, chat: TelegramChat(id: id), date: 1)
        _ = await conversation.handle(TelegramUpdate(id: 2, content: .callbackQuery(TelegramCallbackQuery(id: "q", from: user, message: shown, data: data))))
    }

    @Test("a link is answered at once, then with name, price and buttons in the same message")
    func link() async {
        await write("look https://shop.example/kettle")
        #expect(api.state.withLock { $0.links } == ["https://shop.example/kettle"])
        guard case .sent(77, let id, let looking) = chat.events[0], case .edited(77, id, let found) = chat.events[1] else {
            Issue.record("first a message, then its edit: \(chat.events)")
            return
        }
        #expect(looking.text.html.contains("Looking"))
        #expect(found.text.html.contains("Kettle") && found.text.html.contains("1990\u{A0}₽"))
        #expect(found.keyboard?.rows.first?.map(\.callbackData) == ["h:1", "s:1"])
    }

    @Test("with a picture the product comes as a message of its own")
    func picture() async {
        let watch = api.watch(3, image: "https://shop.example/kettle.png")
        api.state.withLock { $0.outcome = .added(AddedWatch(watch: watch, isNew: true)) }
        await write("https://shop.example/kettle")
        guard case .sent(_, _, let found) = chat.events[1] else {
            Issue.record("the product is sent: \(chat.events)")
            return
        }
        #expect(found.pictureURL == "https://shop.example/kettle.png" && found.keyboard != nil)
    }

    @Test("each failure has words of its own in both languages", arguments: ParseFailure.allCases)
    func failures(_ failure: ParseFailure) async {
        api.state.withLock { $0.outcome = .unreadable(failure) }
        await write("https://shop.example/x", in: 1, language: "ru")
        await write("https://shop.example/x", in: 2, language: "en")
        #expect(chat.texts(1).last == "⚠️ " + BotWords(.russian).failure(failure))
        #expect(chat.texts(2).last == "⚠️ " + TelegramHTML.escape(BotWords(.english).failure(failure)))
        #expect(chat.texts(1).last != chat.texts(2).last)
    }

    @Test("when the API is away the user is told so in plain words")
    func unavailable() async {
        api.state.withLock { $0.fault = ChatFault(.timedOut, "no reply") }
        await write("https://shop.example/x", language: "ru")
        #expect(chat.texts(77).last?.contains("/list") == true)
        await write("/list")
        await press("h:1")
        #expect(chat.events.last == .answered("q", BotWords(.english).fault(.timedOut)))
    }

    @Test("a name in the greeting is escaped")
    func greeting() async {
        await write("/start ref_<script>")
        #expect(chat.texts(77).first?.contains("Ann &lt;b&gt;") == true)
        #expect(chat.texts(77).first?.contains("script") == false)
    }

    @Test("the list shows what this chat follows, and its button stops it")
    func list() async {
        await write("https://shop.example/a")
        await write("https://shop.example/b")
        await write("/list", in: 78)
        #expect(chat.texts(78) == [BotWords(.english).nothingFollowed])
        await write("/list")
        #expect(chat.texts(77).last?.contains("shop.example/2") == true)
        await press("x:1:0")
        #expect(api.state.withLock { $0.watches[77]?.map(\.id) } == [2])
        #expect(chat.texts(77).last?.contains("shop.example/1\"") == false)
    }

    @Test("the button under a product stops it; a second press says that it is over")
    func stop() async {
        await write("https://shop.example/a")
        await press("s:1", message: 101)
        #expect(chat.events.contains(.buttonsRemoved(chat: 77, id: 101)))
        #expect(chat.texts(77).last == BotWords(.english).stopped)
        await press("s:1", message: 101)
        #expect(chat.events.contains(.answered("q", BotWords(.english).fault(.notFound))))
    }

    @Test("forged buttons change nothing of another chat")
    func forged() async {
        await write("https://shop.example/a", in: 77)
        for data in ["s:1", "x:1:0", "h:1"] { await press(data, in: 666) }
        #expect(api.state.withLock { $0.watches[77]?.count } == 1)
        #expect(!chat.texts(666).contains { $0.contains("Kettle") })
    }

    @Test(
        "data that no button carries is answered and does nothing",
        arguments: ["", "s:", "s:abc", "s:-1", "s:01", "s:1:2", "drop", "l:de", "p:-1", "x:1", "h:99999999999999999999"])
    func nonsense(_ data: String) async {
        await press(data)
        #expect(chat.events == [.answered("q", BotWords(.english).staleButton)])
        #expect(ButtonData(data) == nil)
    }

    @Test("the history lists past prices, the newest first, with their direction")
    func history() async {
        await write("https://shop.example/a")
        await press("h:1")
        let text = chat.texts(77).last ?? ""
        #expect(text.contains("23.11.2026 04:00 – <b>1490\u{A0}₽</b> ↓"))
        #expect(text.contains("22.11.2026 04:00 – <b>1990\u{A0}₽</b>"))
    }

    @Test("the language is the app's until another one is chosen")
    func language() async {
        await write("/help", language: "ru-RU")
        #expect(chat.texts(77).last?.hasPrefix("Пришлите") == true)
        await press("l:en")
        #expect(api.state.withLock { $0.languages[77] } == .english)
        await write("/help", language: "ru")
        #expect(chat.texts(77).last?.hasPrefix("Send me") == true)
    }

    @Test("in a group only commands for this bot and links are answered")
    func groups() async {
        await write("hello all", in: -5, type: "group")
        await write("/list@other_bot", in: -5, type: "group")
        #expect(chat.events.isEmpty)
        await write("/list@Price_Bot", in: -5, type: "group")
        #expect(chat.events.count == 1)
    }

    @Test("a user who blocks the bot is reported to the API, and one who comes back, too")
    func membership() async {
        for (status, isBlocked) in [("kicked", true), ("member", false)] {
            let change = TelegramMembershipChange(chat: TelegramChat(id: 77), from: TelegramUser(id: 77, firstName: "A"), newChatMember: .init(status: status))
            _ = await conversation.handle(TelegramUpdate(id: 3, content: .membership(change)))
            #expect(api.state.withLock { $0.blocked[77] } == isBlocked)
        }
        chat.fail(with: TelegramError(.blocked, "Forbidden: bot was blocked by the user"))
        await write("/help")
        #expect(api.state.withLock { $0.blocked[77] } == true)
    }

    private func membership(_ status: String, update: Int64 = 3) -> TelegramUpdate {
        let change = TelegramMembershipChange(chat: TelegramChat(id: 77), from: TelegramUser(id: 77, firstName: "A"), newChatMember: .init(status: status))
        return TelegramUpdate(id: update, content: .membership(change))
    }

    @Test("an API that is away is told of a membership when it is back; until then the update is not done with")
    func insistence() async {
        api.state.withLock { $0.fault = ChatFault(.timedOut, "no reply") }
        var patient = conversation
        let pauses = Mutex(0)
        patient.pause = { [api] _ in
            let count = pauses.withLock { count in
                count += 1
                return count
            }
            if count == 3 { api.state.withLock { $0.fault = nil } }
        }
        #expect(await patient.handle(membership("member")))
        #expect(api.state.withLock { $0.blocked[77] } == false && pauses.withLock { $0 } == 3)
        api.state.withLock { $0.fault = ChatFault(.unavailable, "away") }
        patient.pause = { _ in throw CancellationError() }
        #expect(await !patient.handle(membership("kicked")))
    }

    @Test("an older word on a chat is not told after a newer one")
    func order() async {
        api.state.withLock { $0.fault = ChatFault(.unavailable, "away") }
        var first = conversation
        let second = conversation
        first.pause = { [api] _ in
            api.state.withLock { $0.fault = nil }
            second.news.begin(4, of: 77)
        }
        #expect(await first.handle(membership("kicked", update: 3)))
        #expect(api.state.withLock { $0.blocked[77] } == nil)
        #expect(await second.handle(membership("member", update: 4)))
        #expect(api.state.withLock { $0.blocked[77] } == false)
    }

    @Test("a group that became a supergroup is moved, by either message of Telegram's, and Stop works in the new chat")
    func migration() async {
        api.state.withLock { $0.watches[-5] = [api.watch(4)] }
        var last = TelegramMessage(messageID: 8, chat: TelegramChat(id: -5, type: "group"))
        last.migrateToChatID = -1005
        #expect(await conversation.handle(TelegramUpdate(id: 1, content: .message(last))))
        var first = TelegramMessage(messageID: 1, chat: TelegramChat(id: -1005, type: "supergroup"))
        first.migrateFromChatID = -5
        #expect(await conversation.handle(TelegramUpdate(id: 2, content: .message(first))))
        #expect(api.state.withLock { $0.moves } == [[-5, -1005], [-5, -1005]])
        await press("s:4", in: -1005)
        #expect(chat.events.first == .answered("q", nil))
        #expect(api.state.withLock { $0.watches[-1005]?.isEmpty } == true)
    }

    @Test("each link of an update has a key of its own, the same when the update comes again")
    func keys() async {
        for _ in 0..<2 { await write("https://shop.example/1 https://shop.example/2") }
        #expect(api.state.withLock { $0.keys } == ["1:0", "1:1", "1:0", "1:1"])
    }

    @Test("the API hears of every message, also when the language is known: a chat that writes can be written to")
    func heard() async {
        await write("/help")
        api.state.withLock { $0.languages[77] = .russian }
        await write("/help")
        #expect(chat.texts(77).last == BotWords(.russian).help)
    }

    @Test("of many links in one message only some are taken, each once")
    func manyLinks() async {
        let links = (1...50).map { "https://shop.example/\($0)" } + ["https://shop.example/1"]
        await write(links.joined(separator: " "))
        #expect(api.state.withLock { $0.links } == Array(links.prefix(5)))
        #expect(chat.texts(77).last == BotWords(.english).tooManyLinks(5))
    }
}
