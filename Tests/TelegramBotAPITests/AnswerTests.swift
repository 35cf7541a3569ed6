import HTTPFetch
import Logging
import Testing

@testable import TelegramBotAPI

@Suite("What calls make of answers")
struct AnswerTests {
    private func bot(_ body: String, status: Int = 200) throws -> TelegramBot {
        var bot = try TelegramBot(token: "1:a", logger: Logger(label: "test", factory: { _ in SwiftLogNoOpLogHandler() }))
        bot.carrier = { FetchResponse(status: status, body: Array(body.utf8), effectiveURL: $0.url) }
        return bot
    }

    @Test("a message that was sent has its id")
    func sent() async throws {
        let message = try await bot(#"{"ok":true,"result":{"message_id":5,"chat":{"id":77,"type":"private"},"date":1}}"#).sendMessage(chat: 77, "hi")
        #expect(message?.messageID == 5)
    }

    @Test(
        "an answer that says ok means sent, whatever else is in it",
        arguments: [#"{"ok":true,"result":true}"#, #"{"ok":true}"#, #"{"ok":true,"result":{"message_id":"five"}}"#, #"{"ok":true,"result":null}"#])
    func unreadable(_ body: String) async throws {
        let bot = try bot(body)
        let message = try await bot.sendMessage(chat: 77, "hi")
        #expect(message == nil)
        let picture = try await bot.sendPhoto(chat: 77, .fileID("x"), caption: "hi")
        #expect(picture == nil)
        try await bot.editMessageText(chat: 77, message: 5, "hi")
        try await bot.answerCallbackQuery("9")
        let error = await #expect(throws: TelegramError.self) { _ = try await bot.getMe() }
        #expect(error?.code == .unreadableResult && error?.isTransient == false)
    }

    @Test(
        "an answer that does not say ok leaves open whether it was sent, and may be asked for again",
        arguments: [("<html>", 200), ("{}", 200), (#"{"ok":true}"#, 500), ("", 502)])
    func unknown(_ body: String, _ status: Int) async throws {
        let bot = try bot(body, status: status)
        let error = await #expect(throws: TelegramError.self) { try await bot.sendMessage(chat: 77, "hi") }
        #expect(error?.isTransient == true)
    }
}
