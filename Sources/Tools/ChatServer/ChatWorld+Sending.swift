import Foundation

/// sendMessage, sendPhoto, sendDocument, sendChatAction, answerCallbackQuery.
extension ChatWorld {
    static let maximumText = 4_096
    static let maximumCaption = 1_024
    static let maximumAnswer = 200
    static let maximumDocument = 50 * 1024 * 1024

    /// The chat that a call names, if the bot may write there.
    func writableChat(_ parameters: BotAPIParameters) throws -> Int64 {
        let id = try knownChat(parameters)
        switch chats[id]?.botStatus {
        case .kicked?, .left?: throw id > 0 ? BotAPIError.blocked : BotAPIError.kicked
        default: return id
        }
    }

    /// The chat that a call names.
    func knownChat(_ parameters: BotAPIParameters) throws -> Int64 {
        guard let text = parameters.text("chat_id"), !text.isEmpty else { throw BotAPIError.breach("chat_id is empty") }
        // A bot may only write where somebody spoke to it first; after a restart it may know chats that this server has forgotten, so no breach.
        guard let id = Int64(text), chats[id] != nil else { throw BotAPIError.refused("chat not found") }
        return id
    }

    func text(_ parameters: BotAPIParameters) throws -> FormattedText {
        guard let raw = parameters.text("text") else { throw BotAPIError.breach("message text is empty") }
        let text = try FormattedText(raw, parseMode: parameters.text("parse_mode"))
        if text.plain.trimmingCharacters(in: .whitespacesAndNewlines).isEmpty { throw BotAPIError.breach("message text is empty") }
        if text.length > Self.maximumText { throw BotAPIError.breach("message is too long") }
        return text
    }

    func caption(_ parameters: BotAPIParameters) throws -> FormattedText? {
        guard let raw = parameters.text("caption"), !raw.isEmpty else { return nil }
        let caption = try FormattedText(raw, parseMode: parameters.text("parse_mode"))
        if caption.length > Self.maximumCaption { throw BotAPIError.breach("message caption is too long") }
        return caption.plain.isEmpty ? nil : caption
    }

    mutating func sendMessage(_ parameters: BotAPIParameters, now: Int64) throws -> JSONValue {
        let chat = try writableChat(parameters)
        let text = try text(parameters)
        return try send(to: chat, parameters, now: now) { $0.text = text }
    }

    mutating func sendPhoto(_ parameters: BotAPIParameters, now: Int64) throws -> JSONValue {
        let chat = try writableChat(parameters)
        let caption = try caption(parameters)
        let photo: StoredFile
        if let upload = parameters.files["photo"] {
            let picture = try PictureCheck.check(upload.bytes)
            photo = files.store(upload.bytes, name: upload.name, contentType: picture.contentType, width: picture.width, height: picture.height)
        } else {
            photo = try stored("photo", parameters)
            if photo.width == nil { throw BotAPIError.breach("can't use file of type Document as Photo") }
        }
        return try send(to: chat, parameters, now: now) {
            $0.photo = photo
            $0.text = caption
        }
    }

    mutating func sendDocument(_ parameters: BotAPIParameters, now: Int64) throws -> JSONValue {
        let chat = try writableChat(parameters)
        let caption = try caption(parameters)
        let document: StoredFile
        if let upload = parameters.files["document"] {
            if upload.bytes.isEmpty { throw BotAPIError.breach("file must be non-empty") }
            if upload.bytes.count > Self.maximumDocument { throw BotAPIError(status: 413, description: "Request Entity Too Large", isBreach: true) }
            document = files.store(upload.bytes, name: upload.name, contentType: "application/octet-stream")
        } else {
            document = try stored("document", parameters)
        }
        return try send(to: chat, parameters, now: now) {
            $0.document = document
            $0.text = caption
        }
    }

    /// A file that was sent before, named by its id.
    private func stored(_ name: String, _ parameters: BotAPIParameters) throws -> StoredFile {
        guard let id = parameters.text(name), !id.isEmpty else { throw BotAPIError.breach("there is no \(name) in the request") }
        guard let known = files.file(id) else { throw BotAPIError.breach("wrong remote file identifier specified: Wrong string length") }
        return known.file
    }

    private mutating func send(to chatID: Int64, _ parameters: BotAPIParameters, now: Int64, fill: (inout ChatMessage) -> Void) throws -> JSONValue {
        let keyboard = try InlineKeyboard(parameters.structure("reply_markup"))
        let replyTo = try parameters.structure("reply_parameters")?["message_id"]?.integer
        if let replyTo, chats[chatID]?.index(of: replyTo) == nil { throw BotAPIError.breach("message to be replied not found") }
        var message = ChatMessage(id: chats[chatID]?.nextMessageID ?? 1, date: now, from: bot, keyboard: keyboard, replyTo: replyTo)
        fill(&message)
        open(chatID)
        chats[chatID]?.append(message)
        announce("message", chat: chatID, ["message": message.view])
        return message.json(in: chats[chatID]?.json ?? .null)
    }

    private static let actions: Set<String> = [
        "typing", "upload_photo", "record_video", "upload_video", "record_voice", "upload_voice", "upload_document", "choose_sticker", "find_location",
        "record_video_note", "upload_video_note",
    ]

    mutating func sendChatAction(_ parameters: BotAPIParameters) throws -> JSONValue {
        let chat = try writableChat(parameters)
        guard let action = parameters.text("action"), Self.actions.contains(action) else { throw BotAPIError.breach("wrong parameter action in request") }
        announce("action", chat: chat, ["action": .string(action)])
        return true
    }

    mutating func answerCallbackQuery(_ parameters: BotAPIParameters, now: Int64) throws -> JSONValue {
        let id = parameters.text("callback_query_id")
        guard let index = queries.firstIndex(where: { $0.id == id }), now - queries[index].date <= Self.queryLifetime else {
            throw BotAPIError.refused("query is too old and response timeout expired or query ID is invalid")
        }
        let text = parameters.text("text") ?? ""
        if text.utf16.count > Self.maximumAnswer { throw BotAPIError.breach("MESSAGE_TOO_LONG") }
        let query = queries.remove(at: index)
        let answer: JSONValue = [
            "callback_query_id": .string(query.id), "user_id": .int(query.user), "text": .string(text), "show_alert": .bool(parameters.flag("show_alert")),
        ]
        chats[query.chat]?.answers.append(answer)
        if let count = chats[query.chat]?.answers.count, count > Chat.maximumAnswers { chats[query.chat]?.answers.removeFirst() }
        announce("answer", chat: query.chat, ["answer": answer])
        return true
    }
}
