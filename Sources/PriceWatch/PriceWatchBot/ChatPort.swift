import TelegramBotAPI

/// What the conversation does in a chat: Telegram, or a fake in tests.
protocol ChatPort: Sendable {
    /// Sends a message; where its picture cannot be shown, without it. Answers the message's id, if Telegram tells it.
    func send(_ message: BotMessage, to chat: Int64) async throws -> Int64?
    /// Replaces a message of the bot; one without a picture, by one without a picture.
    func edit(_ message: Int64, in chat: Int64, to new: BotMessage) async throws
    /// Takes the buttons away.
    func removeButtons(_ message: Int64, in chat: Int64) async throws
    /// Ends the wait that a pressed button shows, perhaps with a word.
    func answer(_ query: String, _ text: String?) async throws
    /// Shows that the bot is at it.
    func showTyping(in chat: Int64) async throws
}

/// Telegram as the conversation's chat. What may be mended by waiting a little is waited for; the rest is thrown.
struct TelegramChatPort: ChatPort {
    let bot: TelegramBot
    /// Waiting longer than this, for the chat's turn too, is left to the caller: one chat that Telegram holds back must not keep its updates for long.
    let patience: Duration

    init(bot: TelegramBot, patience: Duration = .seconds(20)) {
        self.bot = bot
        self.patience = patience
    }

    func send(_ message: BotMessage, to chat: Int64) async throws -> Int64? {
        if let picture = message.pictureURL, message.text.length <= TelegramHTML.maximumCaption {
            do {
                return try await persist {
                    try await bot.sendPhoto(chat: chat, .url(picture), caption: message.text, keyboard: message.keyboard, patience: patience)?.messageID
                }
            } catch let error as TelegramError where error.code == .badPicture || error.code == .badRequest {
                // A picture that Telegram cannot fetch or show: the price is what counts.
            }
        }
        return try await persist { try await bot.sendMessage(chat: chat, message.text, keyboard: message.keyboard, patience: patience)?.messageID }
    }

    func edit(_ message: Int64, in chat: Int64, to new: BotMessage) async throws {
        try await persist { try await bot.editMessageText(chat: chat, message: message, new.text, keyboard: new.keyboard, patience: patience) }
    }

    func removeButtons(_ message: Int64, in chat: Int64) async throws {
        try await persist { try await bot.editMessageReplyMarkup(chat: chat, message: message, keyboard: nil, patience: patience) }
    }

    func answer(_ query: String, _ text: String?) async throws { try await persist { try await bot.answerCallbackQuery(query, text: text) } }

    func showTyping(in chat: Int64) async throws { try await bot.sendChatAction(chat: chat) }

    /// Tries up to three times. A send whose answer was lost may have gone through: the user then sees it twice rather than not at all.
    private func persist<Value>(_ call: () async throws -> Value) async throws -> Value {
        var attempt = 1
        while true {
            do {
                return try await call()
            } catch let error as TelegramError where error.isTransient && attempt < 3 {
                let pause = error.retryAfter ?? .milliseconds(400 << attempt)
                guard pause <= patience else { throw error }
                attempt += 1
                try await Task.sleep(for: pause)
            }
        }
    }
}
