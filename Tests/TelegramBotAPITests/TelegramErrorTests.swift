import Foundation
import Logging
import Testing

@testable import TelegramBotAPI

@Suite("What Telegram answers")
struct TelegramErrorTests {
    private func error(_ status: Int, _ description: String, retryAfter: Int? = nil, migrate: Int64? = nil) -> TelegramError {
        TelegramError(method: "sendMessage", status: status, description: description, retryAfter: retryAfter, migrateToChatID: migrate)
    }

    @Test("each refusal has its own name")
    func codes() {
        #expect(error(400, "Bad Request: message is not modified: specified new message content …").code == .notModified)
        #expect(error(400, "Bad Request: chat not found").code == .chatNotFound)
        #expect(error(400, "Bad Request: message to edit not found").code == .messageNotFound)
        #expect(error(400, "Bad Request: query is too old and response timeout expired or query ID is invalid").code == .queryTooOld)
        #expect(error(400, "Bad Request: can't parse entities: Unsupported start tag \"x\" at byte offset 0").code == .badMarkup)
        #expect(error(400, "Bad Request: message is too long").code == .tooLong)
        #expect(error(400, "Bad Request: IMAGE_PROCESS_FAILED").code == .badPicture)
        #expect(error(400, "Bad Request: not enough rights to send photos to the chat").code == .badPicture, "the text may still be sent")
        #expect(error(400, "Bad Request: not enough rights to send text messages to the chat").isChatUnreachable)
        #expect(error(400, "Bad Request: something new").code == .badRequest)
        #expect(error(401, "Unauthorized").code == .unauthorized)
        #expect(error(403, "Forbidden: bot was blocked by the user").isChatUnreachable)
        #expect(error(403, "Forbidden: user is deactivated").isChatUnreachable)
        #expect(error(404, "Not Found").code == .unknownMethod)
        #expect(error(409, "Conflict: terminated by other getUpdates request").code == .conflict)
        #expect(error(502, "Bad Gateway").isTransient)
    }

    @Test("a 429 says how long to wait, also when Telegram forgets to")
    func retryAfter() {
        #expect(error(429, "Too Many Requests: retry after 7", retryAfter: 7).retryAfter == .seconds(7))
        #expect(error(429, "Too Many Requests").retryAfter == .seconds(1))
    }

    @Test("a group that became a supergroup says its new id")
    func migration() {
        let moved = error(400, "Bad Request: group chat was upgraded to a supergroup chat", migrate: -100_123)
        #expect(moved.code == .migrated && moved.migrateToChatID == -100_123)
    }

    @Test("updates that are not in the known form are skipped, not met for ever")
    func strangeUpdates() throws {
        let json = """
            [{"update_id":1,"message":{"message_id":5,"chat":{"id":9007199254740993,"type":"private"},"date":1,"text":"hi"}},
             {"update_id":2,"message":{"message_id":"five"}},{"update_id":3,"poll":{}},
             {"update_id":4,"callback_query":{"id":"9","from":{"id":7,"is_bot":false,"first_name":"A"},"data":"x"}}]
            """
        let updates = try JSONDecoder().decode([TelegramUpdate].self, from: Data(json.utf8))
        #expect(updates.map(\.id) == [1, 2, 3, 4])
        guard case .message(let message) = updates[0].content else { return #expect(Bool(false), "the first is a message") }
        #expect(message.chat.id == 9_007_199_254_740_993)
        #expect(updates[1].content == .other && updates[2].content == .other)
        guard case .callbackQuery(let query) = updates[3].content else { return #expect(Bool(false), "the last is a query") }
        #expect(query.data == "x")
    }

    @Test("an entity outside the text means nothing, and offsets count UTF-16 units")
    func entities() {
        #expect(TelegramEntity(type: "url", offset: 3, length: 8).part(of: "😀 http://a") == "http://a")
        #expect(TelegramEntity(type: "url", offset: 3, length: 90).part(of: "short") == nil)
        #expect(TelegramEntity(type: "url", offset: -1, length: 2).part(of: "short") == nil)
        #expect(TelegramEntity(type: "url", offset: Int.max, length: Int.max).part(of: "short") == nil)
    }

    @Test("a token or an address that cannot be used is refused without being shown", arguments: ["", "1:a/b", "1:a b", "1:a?b", "1:ы"])
    func configuration(_ token: String) {
        let error = #expect(throws: TelegramError.self) { try TelegramBot(token: token, logger: Logger(label: "test")) }
        #expect(error?.code == .badConfiguration)
        #expect(token.isEmpty || error?.description.contains(token) == false)
    }

    @Test("the bot's description holds no token")
    func description() throws {
        let bot = try TelegramBot(token: "123:SECRET", baseAddress: "http://127.0.0.1:1/", logger: Logger(label: "test"))
        #expect(!"\(bot)".contains("SECRET"))
    }
}
