import Foundation
import Testing

@testable import ChatServer

@Suite("The Bot API of the chat server")
struct ChatWorldTests {
    private var world: ChatWorld
    private let ann = ChatUser(id: 77, firstName: "Ann", languageCode: "en")

    init() {
        world = ChatWorld(bot: ChatUser(id: 42, isBot: true, firstName: "Bot", username: "test_bot"), seed: 100)
        _ = world.receive("/start", from: ann, in: 77, now: 1_000)
    }

    private func parameters(_ json: JSONValue) throws -> BotAPIParameters {
        try BotAPIParameters(query: nil, contentType: "application/json", body: json.encoded)
    }

    private mutating func send(_ text: String, _ more: [String: JSONValue] = [:]) throws -> JSONValue {
        var fields: [String: JSONValue] = ["chat_id": 77, "text": .string(text)]
        fields.merge(more) { $1 }
        return try world.sendMessage(parameters(.object(fields)), now: 1_001)
    }

    private func refusal(_ body: () throws -> JSONValue) -> BotAPIError? {
        do {
            _ = try body()
            return nil
        } catch {
            return error as? BotAPIError
        }
    }

    @Test("an update stays until a call names a greater offset")
    func offsets() {
        var queue = UpdateQueue(firstID: 5)
        for text in ["a", "b", "c"] { _ = queue.add("message", .string(text)) }
        #expect(queue.take(offset: 0, limit: 2).compactMap { $0["update_id"]?.integer } == [5, 6])
        #expect(queue.take(offset: 0, limit: 100).count == 3)
        #expect(queue.take(offset: 7, limit: 100).compactMap { $0["update_id"]?.integer } == [7])
        #expect(queue.take(offset: 8, limit: 100).isEmpty)
        for text in ["d", "e", "f"] { _ = queue.add("message", .string(text)) }
        #expect(queue.take(offset: -1, limit: 100).compactMap { $0["update_id"]?.integer } == [10])
        queue.allow(["callback_query"])
        #expect(queue.add("message", "g") == nil)
    }

    @Test("text is counted in UTF-16 units after parsing")
    mutating func lengths() throws {
        _ = try send(String(repeating: "😀", count: 2_048))
        #expect(try send("<b>" + String(repeating: "a", count: 4_096) + "</b>", ["parse_mode": "HTML"])["message_id"] != nil)
        for text in [String(repeating: "😀", count: 2_049), String(repeating: "ы", count: 4_097)] {
            var world = world
            let call = try parameters(["chat_id": 77, "text": .string(text)])
            #expect(refusal { try world.sendMessage(call, now: 1) }?.description == "Bad Request: message is too long")
        }
        var world = world
        let empty = try parameters(["chat_id": 77, "text": " \n"])
        #expect(refusal { try world.sendMessage(empty, now: 1) }?.description == "Bad Request: message text is empty")
    }

    @Test("callback data has 1 to 64 bytes")
    func callbackData() throws {
        func keyboard(_ data: String) throws -> InlineKeyboard? { try InlineKeyboard(["inline_keyboard": [[["text": "x", "callback_data": .string(data)]]]]) }
        #expect(try keyboard(String(repeating: "a", count: 64)) != nil)
        #expect(throws: BotAPIError.breach("BUTTON_DATA_INVALID")) { try keyboard(String(repeating: "ы", count: 33)) }
        #expect(throws: BotAPIError.breach("BUTTON_DATA_INVALID")) { try keyboard("") }
    }

    @Test("an edit keeps what was there before; the same again is refused")
    mutating func edits() throws {
        let id = try send("one")["message_id"] ?? .null
        let call = try parameters(["chat_id": 77, "message_id": id, "text": "two"])
        _ = try world.editMessageText(call, now: 1_002)
        let message = try #require(world.chats[77]?.messages.last)
        #expect(message.text?.plain == "two" && message.edits.first?.text?.plain == "one")
        var copy = world
        let again = refusal { try copy.editMessageText(call, now: 1_003) }
        #expect(again?.description.hasPrefix("Bad Request: message is not modified") == true && again?.isBreach == false)
        let unknown = try parameters(["chat_id": 77, "message_id": 999, "text": "x"])
        #expect(refusal { try copy.editMessageText(unknown, now: 1) }?.description == "Bad Request: message to edit not found")
        let users = try parameters(["chat_id": 77, "message_id": 1, "text": "x"])
        #expect(refusal { try copy.editMessageText(users, now: 1) }?.description == "Bad Request: message can't be edited")
    }

    @Test("a pressed button can be answered once, and not for ever")
    mutating func answers() throws {
        _ = try send("x", ["reply_markup": ["inline_keyboard": [[["text": "Stop", "callback_data": "s:1"]]]]])
        let found = try #require(world.chats[77]?.newest(button: "Stop"))
        let query = world.press("s:1", on: found.message, by: ann, in: 77, now: 2_000).queryID
        let call = try parameters(["callback_query_id": .string(query), "text": "done"])
        var late = world
        #expect(refusal { try late.answerCallbackQuery(call, now: 9_000) }?.description.contains("query is too old") == true)
        #expect(try world.answerCallbackQuery(call, now: 2_001) == true)
        var copy = world
        #expect(refusal { try copy.answerCallbackQuery(call, now: 2_002) }?.status == 400)
    }

    @Test("who blocked the bot gets nothing until they write again")
    mutating func blocking() throws {
        world.setMembership(.kicked, in: 77, by: ann, now: 1)
        var copy = world
        let call = try parameters(["chat_id": 77, "text": "x"])
        #expect(refusal { try copy.sendMessage(call, now: 2) } == .blocked)
        _ = world.receive("hello again", from: ann, in: 77, now: 3)
        #expect(try send("x")["message_id"] != nil)
        #expect(world.updates.pending.compactMap { $0.body["my_chat_member"]?["new_chat_member"]?["status"]?.string } == ["kicked", "member"])
    }

    @Test("a bot cannot write to a chat that never spoke to it")
    func strangers() throws {
        var copy = world
        let call = try parameters(["chat_id": 78, "text": "x"])
        #expect(refusal { try copy.sendMessage(call, now: 1) }?.description == "Bad Request: chat not found")
    }

    @Test("memory is bounded: messages of a chat, chats in all")
    mutating func bounds() throws {
        for number in 0..<(Chat.maximumMessages + 50) { _ = try send("message \(number)") }
        #expect(world.chats[77]?.messages.count == Chat.maximumMessages)
        for id in 1_000..<(1_000 + Int64(ChatWorld.maximumChats) + 20) { _ = world.receive("hi", from: ChatUser(id: id, firstName: "U"), in: id, now: 1) }
        #expect(world.chats.count == ChatWorld.maximumChats)
        #expect(world.chats[77] == nil)
    }

    @Test("the language of somebody without one follows the letters of the name")
    func languages() {
        #expect(world.actor("Аня", in: 80).languageCode == "ru")
        #expect(world.actor(["first_name": "Аня", "language_code": "en"], in: 80).languageCode == "en")
        #expect(world.actor(nil, in: 77) == ann)
        #expect(world.actor("Ann", in: 77) == ann)
    }
}

@Suite("Requests and pictures")
struct RequestTests {
    @Test("forms and multipart bodies say the same as JSON")
    func bodies() throws {
        let form = try BotAPIParameters(
            query: nil, contentType: "application/x-www-form-urlencoded", body: Data("chat_id=77&text=a%2Bb+c&reply_markup=%7B%7D".utf8))
        #expect(form.integer("chat_id") == 77 && form.text("text") == "a+b c")
        #expect(try form.structure("reply_markup") == [:])
        let body =
            "--B\r\nContent-Disposition: form-data; name=\"chat_id\"\r\n\r\n77\r\n--B\r\nContent-Disposition: form-data; name=\"photo\"; filename=\"a.png\"\r\n\r\n\r\n--x\r\n--B--\r\n"
        let multipart = try BotAPIParameters(query: nil, contentType: "multipart/form-data; boundary=B", body: Data(body.utf8))
        #expect(multipart.integer("chat_id") == 77)
        #expect(multipart.files["photo"] == UploadedFile(name: "a.png", bytes: Data("\r\n--x".utf8)))
    }

    @Test(
        "damaged bodies are refused", arguments: ["--B", "--B\r\n", "--B\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\nx", "--B\r\n\r\nx\r\n--B--", ""])
    func damaged(_ body: String) {
        #expect(throws: BotAPIError.self) { try BotAPIParameters(query: nil, contentType: "multipart/form-data; boundary=B", body: Data(body.utf8)) }
    }

    private func png(_ width: UInt32, _ height: UInt32) -> [UInt8] {
        func bytes(_ value: UInt32) -> [UInt8] { (0..<4).map { UInt8(truncatingIfNeeded: value >> (24 - 8 * $0)) } }
        return [0x89, 0x50, 0x4E, 0x47, 0x0D, 0x0A, 0x1A, 0x0A, 0, 0, 0, 13] + Array("IHDR".utf8) + bytes(width) + bytes(height) + [8, 2, 0, 0, 0, 0, 0, 0, 0]
    }

    @Test("a photo must be a picture within Telegram's dimensions")
    func pictures() throws {
        #expect(try PictureCheck.check(Data(png(300, 200))).width == 300)
        #expect(throws: BotAPIError.breach("PHOTO_INVALID_DIMENSIONS")) { try PictureCheck.check(Data(png(9_000, 1_001))) }
        #expect(throws: BotAPIError.breach("PHOTO_INVALID_DIMENSIONS")) { try PictureCheck.check(Data(png(2_100, 100))) }
        #expect(throws: BotAPIError.breach("IMAGE_PROCESS_FAILED")) { try PictureCheck.check(Data("GIF89a and so on".utf8)) }
        for cut in 0..<33 { #expect(PictureCheck.read(Array(png(300, 200).prefix(cut))) == nil) }
        for cut in 2..<12 { #expect(PictureCheck.read(Array([0xFF, 0xD8, 0xFF, 0xC0, 0, 11, 8, 0, 5, 0, 7, 3].prefix(cut))) == nil || cut > 10) }
    }
}
