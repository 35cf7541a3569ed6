import Foundation

/// editMessageText, editMessageCaption, editMessageReplyMarkup, deleteMessage.
extension ChatWorld {
    /// Seconds in which a bot may delete a message.
    static let deletable: Int64 = 48 * 3_600

    private static let notModified = BotAPIError.refused(
        "message is not modified: specified new message content and reply markup are exactly the same as a current content and reply markup of the message")

    mutating func editMessageText(_ parameters: BotAPIParameters, now: Int64) throws -> JSONValue {
        let (chat, index) = try editable(parameters)
        let text = try text(parameters)
        if chats[chat]?.messages[index].hasFile == true { throw BotAPIError.breach("there is no text in the message to edit") }
        return try edit(chat, index, text: text, keyboard: InlineKeyboard(parameters.structure("reply_markup")), now: now)
    }

    mutating func editMessageCaption(_ parameters: BotAPIParameters, now: Int64) throws -> JSONValue {
        let (chat, index) = try editable(parameters)
        let caption = try caption(parameters)
        if chats[chat]?.messages[index].hasFile == false { throw BotAPIError.breach("there is no caption in the message to edit") }
        return try edit(chat, index, text: caption, keyboard: InlineKeyboard(parameters.structure("reply_markup")), now: now)
    }

    mutating func editMessageReplyMarkup(_ parameters: BotAPIParameters, now: Int64) throws -> JSONValue {
        let (chat, index) = try editable(parameters)
        return try edit(chat, index, text: chats[chat]?.messages[index].text, keyboard: InlineKeyboard(parameters.structure("reply_markup")), now: now)
    }

    private func editable(_ parameters: BotAPIParameters) throws -> (chat: Int64, index: Int) {
        let chat = try writableChat(parameters)
        guard let id = parameters.integer("message_id") else { throw BotAPIError.breach("message identifier is not specified") }
        guard let index = chats[chat]?.index(of: id) else { throw BotAPIError.breach("message to edit not found") }
        if chats[chat]?.messages[index].from.id != bot.id { throw BotAPIError.breach("message can't be edited") }
        return (chat, index)
    }

    private mutating func edit(_ chat: Int64, _ index: Int, text: FormattedText?, keyboard: InlineKeyboard?, now: Int64) throws -> JSONValue {
        guard let message = chats[chat]?.messages[index] else { throw BotAPIError.breach("message to edit not found") }
        if message.text?.html == text?.html, message.keyboard == keyboard { throw Self.notModified }
        chats[chat]?.messages[index].edit(text: text, keyboard: keyboard, now: now)
        guard let edited = chats[chat]?.messages[index] else { throw BotAPIError.breach("message to edit not found") }
        announce("edit", chat: chat, ["message": edited.view])
        return edited.json(in: chats[chat]?.json ?? .null)
    }

    mutating func deleteMessage(_ parameters: BotAPIParameters, now: Int64) throws -> JSONValue {
        let chat = try writableChat(parameters)
        guard let id = parameters.integer("message_id") else { throw BotAPIError.breach("message identifier is not specified") }
        guard let index = chats[chat]?.index(of: id), let message = chats[chat]?.messages[index] else {
            throw BotAPIError.refused("message to delete not found")
        }
        if now - message.date > Self.deletable || (chat < 0 && message.from.id != bot.id && chats[chat]?.botStatus != .administrator) {
            throw BotAPIError.refused("message can't be deleted")
        }
        chats[chat]?.messages.remove(at: index)
        announce("delete", chat: chat, ["message_id": .int(id)])
        return true
    }
}
