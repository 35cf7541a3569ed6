import HTTPFetch

extension TelegramBot {
    /// Sends a text of 1 to 4,096 UTF-16 units, without link previews.
    /// - Parameters:
    ///   - isSilent: without a sound.
    ///   - patience: how long to wait for the chat's turn. Default: as long as it takes.
    /// - Returns: the message; `nil` when Telegram said that it was sent, but not as what.
    /// - Throws: ``TelegramError``, `outOfTurn` when the chat's turn is farther away.
    @discardableResult
    public func sendMessage(
        chat: Int64, _ text: TelegramHTML, keyboard: TelegramKeyboard? = nil, isSilent: Bool = false, patience: Duration? = nil
    ) async throws -> TelegramMessage? {
        try await sent("sendMessage", chat: chat, patience: patience) {
            try await call(
                "sendMessage",
                MessageParameters(chatID: chat, text: text.html, replyMarkup: keyboard, linkPreviewOptions: .off, disableNotification: isSilent ? true : nil))
        }
    }

    /// Sends a picture with a caption of at most 1,024 UTF-16 units. Returns as ``sendMessage(chat:_:keyboard:isSilent:patience:)`` does.
    @discardableResult
    public func sendPhoto(
        chat: Int64, _ photo: TelegramFile, caption: TelegramHTML, keyboard: TelegramKeyboard? = nil, patience: Duration? = nil
    ) async throws -> TelegramMessage? {
        try await sendFile("sendPhoto", field: "photo", chat: chat, photo, caption: caption, keyboard: keyboard, patience: patience)
    }

    /// Sends a document with a caption of at most 1,024 UTF-16 units. Returns as ``sendMessage(chat:_:keyboard:isSilent:patience:)`` does.
    @discardableResult
    public func sendDocument(
        chat: Int64, _ document: TelegramFile, caption: TelegramHTML, keyboard: TelegramKeyboard? = nil, patience: Duration? = nil
    ) async throws -> TelegramMessage? {
        try await sendFile("sendDocument", field: "document", chat: chat, document, caption: caption, keyboard: keyboard, patience: patience)
    }

    private func sendFile(
        _ method: String, field: String, chat: Int64, _ file: TelegramFile, caption: TelegramHTML, keyboard: TelegramKeyboard?, patience: Duration?
    ) async throws -> TelegramMessage? {
        try await sent(method, chat: chat, patience: patience) {
            var parameters = MessageParameters(chatID: chat, caption: caption.html, replyMarkup: keyboard)
            switch file {
            case .url(let reference), .fileID(let reference):
                if field == "photo" { parameters.photo = reference } else { parameters.document = reference }
                return try await call(method, parameters)
            case .upload(let bytes, let name, let contentType):
                var form = MultipartForm()
                form.add(name: "chat_id", value: String(chat))
                form.add(name: "caption", value: caption.html)
                form.add(name: "parse_mode", value: "HTML")
                if let keyboard { form.add(name: "reply_markup", value: try json(keyboard)) }
                form.add(name: field, filename: name, contentType: contentType, bytes: bytes)
                return try await upload(method, form)
            }
        }
    }

    /// Replaces a message's text and buttons. An edit that changes nothing is no error. It waits and throws as
    /// ``sendMessage(chat:_:keyboard:isSilent:patience:)`` does.
    public func editMessageText(
        chat: Int64, message: Int64, _ text: TelegramHTML, keyboard: TelegramKeyboard? = nil, patience: Duration? = nil
    ) async throws {
        try await edit(
            "editMessageText",
            MessageParameters(chatID: chat, messageID: message, text: text.html, replyMarkup: keyboard, linkPreviewOptions: .off), patience)
    }

    /// Replaces a picture's caption and buttons. An edit that changes nothing is no error.
    public func editMessageCaption(chat: Int64, message: Int64, _ caption: TelegramHTML, keyboard: TelegramKeyboard? = nil) async throws {
        try await edit("editMessageCaption", MessageParameters(chatID: chat, messageID: message, caption: caption.html, replyMarkup: keyboard))
    }

    /// Replaces a message's buttons; `nil` takes them away. An edit that changes nothing is no error.
    public func editMessageReplyMarkup(chat: Int64, message: Int64, keyboard: TelegramKeyboard?, patience: Duration? = nil) async throws {
        try await edit("editMessageReplyMarkup", MessageParameters(chatID: chat, messageID: message, replyMarkup: keyboard, parseMode: nil), patience)
    }

    private func edit(_ method: String, _ parameters: MessageParameters, _ patience: Duration? = nil) async throws {
        try await settled(.notModified) {
            try await paced(method, chat: parameters.chatID, patience: patience) { let _: Ignored = try await call(method, parameters) }
        }
    }

    /// Deletes a message of the last 48 hours; one that is gone is no error.
    public func deleteMessage(chat: Int64, message: Int64) async throws {
        try await settled(.messageNotFound) {
            let _: Ignored = try await call("deleteMessage", MessageParameters(chatID: chat, messageID: message, parseMode: nil))
        }
    }

    /// Shows for 5 seconds what the bot does: `typing`, `upload_photo`.
    public func sendChatAction(chat: Int64, _ action: String = "typing") async throws {
        let _: Ignored = try await call("sendChatAction", MessageParameters(chatID: chat, action: action, parseMode: nil))
    }

    /// Ends the wait that a pressed button shows. A press that is too old is no error.
    /// - Parameters:
    ///   - text: shown to who pressed, at most 200 UTF-16 units; cut when longer.
    ///   - isAlert: shown until it is closed.
    public func answerCallbackQuery(_ id: String, text: String? = nil, isAlert: Bool = false) async throws {
        struct Parameters: Encodable {
            var callback_query_id: String
            var text: String?
            var show_alert: Bool?
        }
        let parameters = Parameters(callback_query_id: id, text: text.map { TelegramHTML.cut($0, to: 200) }, show_alert: isAlert ? true : nil)
        try await settled(.queryTooOld) { let _: Ignored = try await call("answerCallbackQuery", parameters) }
    }

    /// A call whose end is as good as done with this refusal, and with an answer that says no more than ok.
    private func settled(_ refusal: TelegramError.Code, _ call: () async throws -> Void) async throws {
        do {
            try await call()
        } catch let error as TelegramError where error.code == refusal || error.code == .unreadableResult {}
    }

    /// What was sent may not be sent again: an answer that says ok is believed, whatever else is in it.
    private func sent(
        _ method: String, chat: Int64, patience: Duration? = nil, _ send: () async throws -> TelegramMessage
    ) async throws -> TelegramMessage? {
        do {
            return try await paced(method, chat: chat, patience: patience, send)
        } catch let error as TelegramError where error.code == .unreadableResult {
            logger.warning("a message was sent, but the answer does not say as what", metadata: ["method": "\(method)"])
            return nil
        }
    }

    /// Waits for the chat's turn; a 429 holds the chat back for as long as Telegram says.
    private func paced<Result>(
        _ method: String, chat: Int64, patience: Duration? = nil, _ send: () async throws -> Result
    ) async throws -> Result {
        try await gate.pass(chat: chat, patience: patience)
        do {
            return try await send()
        } catch let error as TelegramError {
            if error.code == .tooManyRequests, let pause = error.retryAfter {
                await gate.holdBack(chat: chat, for: pause)
                logger.info("Telegram asks to wait", metadata: ["method": "\(method)", "seconds": "\(pause.components.seconds)"])
            }
            throw error
        }
    }
}

/// What the methods around messages take; absent fields are left out.
struct MessageParameters: Encodable, Sendable {
    struct LinkPreview: Encodable, Sendable {
        var is_disabled: Bool
        static let off = LinkPreview(is_disabled: true)
    }

    var chatID: Int64
    var messageID: Int64?
    var text: String?
    var caption: String?
    var photo: String?
    var document: String?
    var action: String?
    var replyMarkup: TelegramKeyboard?
    var linkPreviewOptions: LinkPreview?
    var disableNotification: Bool?
    var parseMode: String? = "HTML"

    enum CodingKeys: String, CodingKey {
        case text, caption, photo, document, action
        case chatID = "chat_id"
        case messageID = "message_id"
        case replyMarkup = "reply_markup"
        case linkPreviewOptions = "link_preview_options"
        case disableNotification = "disable_notification"
        case parseMode = "parse_mode"
    }
}

/// A result of which only its being there counts.
struct Ignored: Decodable, Sendable {
    init(from decoder: any Decoder) throws {}
}
