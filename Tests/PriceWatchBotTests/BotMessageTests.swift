import PriceWatchModel
import TelegramBotAPI
import Testing

@testable import PriceWatchBot

@Suite("The bot's messages")
struct BotMessageTests {
    private func money(_ units: Int64, _ currency: Currency = .rub) -> Money { Money(minorUnits: units, currency: currency) }

    @Test("amounts show minor units only when there are any, and group from five digits on")
    func amounts() {
        #expect(PriceText.money(money(199_000), .russian) == "1990\u{A0}₽")
        #expect(PriceText.money(money(1_299_050), .russian) == "12\u{A0}990,50\u{A0}₽")
        #expect(PriceText.money(money(1_299_050, .usd), .english) == "12\u{A0}990.50\u{A0}$")
        #expect(PriceText.money(money(123_456_789_000), .russian) == "1\u{A0}234\u{A0}567\u{A0}890\u{A0}₽")
        #expect(PriceText.money(Money(minorUnits: 1_500, currency: Currency("JPY") ?? .rub), .english) == "1500\u{A0}JPY")
    }

    @Test("moments are right across leap days and year ends")
    func moments() {
        #expect(PriceText.moment(0) == "01.01.1970 00:00")
        #expect(PriceText.moment(951_782_400_000_000) == "29.02.2000 00:00")
        #expect(PriceText.moment(1_798_761_599_999_999) == "31.12.2026 23:59")
        #expect(PriceText.moment(-1) == "31.12.1969 23:59")
    }

    @Test("a notification shows the old and the new price, and by how much it fell")
    func notification() {
        let change = PriceChange(productID: 1, name: "Kettle</a>\nPrice: 1", link: "https://shop.example/1", old: money(199_000), new: money(149_000))
        let message = BotMessages.notification(Notification(outboxID: 9, chatID: 77, language: .russian, watchID: 4, change: change))
        #expect(message.text.html.contains("Было: <s>1990\u{A0}₽</s>\nСтало: <b>1490\u{A0}₽</b> (−25\u{A0}%)"))
        #expect(message.text.html.contains("Kettle&lt;/a&gt; Price: 1"))
        #expect(message.keyboard?.rows[0][1].callbackData == "s:4")
    }

    @Test("no per cent across currencies, from nothing, or for next to nothing")
    func percent() {
        #expect(PriceText.percent(from: money(100), to: money(100, .usd)) == nil)
        #expect(PriceText.percent(from: money(0), to: money(100)) == nil)
        #expect(PriceText.percent(from: money(100_000), to: money(100_001)) == nil)
        #expect(PriceText.percent(from: money(100), to: money(300)) == "+200\u{A0}%")
    }

    @Test("the longest names stay within Telegram's limits, with a hundred watches, on every page")
    func limits() {
        let api = FakeAPI()
        let name = String(repeating: "<&\"😀 ", count: 2_000)
        let watches = (1...100).map { api.watch($0, name) }
        for page in 0...20 {
            let message = BotMessages.list(watches, page: page, BotWords(.russian))
            #expect(message.text.length <= TelegramHTML.maximumText)
            let buttons = message.keyboard?.rows.flatMap { $0 } ?? []
            #expect(buttons.count <= 100 && buttons.allSatisfy { (1...64).contains(($0.callbackData ?? "").utf8.count) })
        }
        let added = BotMessages.outcome(.added(AddedWatch(watch: api.watch(Int64.max, name), isNew: true)), BotWords(.english))
        #expect(added.text.length <= TelegramHTML.maximumCaption)
        let points = (0..<500).map { PricePoint(price: money(Int64.max - Int64($0)), availability: .inStock, seenAt: Int64($0)) }
        #expect(
            BotMessages.history(ChatResult.History(product: watches[0].product, points: points), BotWords(.english)).text.length <= TelegramHTML.maximumText)
    }

    @Test("the data of every button reads back as what it was")
    func buttonData() {
        for data in [ButtonData.history(watchID: .max), .stop(watchID: 1), .stopInList(watchID: .max, page: 10_000), .page(0), .language(.russian)] {
            #expect(ButtonData(data.text) == data)
            #expect(data.text.utf8.count <= 64)
        }
    }

    @Test("a help text fits into one message in both languages", arguments: Language.allCases)
    func help(_ language: Language) {
        #expect(BotMessages.greeting(BotWords(language), name: String(repeating: "x", count: 5_000)).text.length <= TelegramHTML.maximumText)
        #expect(BotWords(language).commands.allSatisfy { (1...256).contains($0.description.utf16.count) })
    }
}

@Suite("What a message asks for")
struct IncomingTextTests {
    private func read(_ text: String, _ entities: [TelegramEntity] = [], isPrivate: Bool = true) -> IncomingText {
        IncomingText(text: text, entities: entities, botName: "price_bot", isPrivate: isPrivate)
    }

    @Test("links are taken from entities, also hidden ones and bare ones")
    func links() {
        #expect(read("see this", [TelegramEntity(type: "text_link", offset: 0, length: 3, url: "https://a.example/1")]) == .links(["https://a.example/1"]))
        #expect(read("😀 a.example/2", [TelegramEntity(type: "url", offset: 3, length: 11)]) == .links(["https://a.example/2"]))
        #expect(read("/add https://a.example/3") == .links(["https://a.example/3"]))
        #expect(read("x", [TelegramEntity(type: "text_link", offset: 0, length: 1, url: "tg://user?id=1")]) == .other)
        #expect(read("https://a.example/" + String(repeating: "x", count: 3_000)) == .other)
    }

    @Test("commands are read in any case, with the bot's name, and with what follows")
    func commands() {
        #expect(read("/LIST") == .list && read("/list@price_bot x") == .list && read("/start payload") == .start)
        #expect(read("/list@another") == .notForUs)
        #expect(read("/nonsense") == .unknownCommand)
        #expect(read("/") == .other && read("") == .other)
        #expect(read("hello", isPrivate: false) == .notForUs)
    }
}
