import Foundation

/// Buttons under a message.
struct InlineKeyboard: Sendable, Equatable, Codable {
    /// Rows of buttons in the Bot API's form.
    var rows: JSONValue

    var json: JSONValue { ["inline_keyboard": rows] }
    var buttons: [JSONValue] { (rows.array ?? []).flatMap { $0.array ?? [] } }

    static let maximumButtons = 100

    /// - Returns: `nil` when the call has no markup, an empty keyboard, or markup of another kind (which has no buttons under the message).
    /// - Throws: 400 with Telegram's words for the field that is wrong.
    init?(_ markup: JSONValue?) throws {
        guard let markup else { return nil }
        guard case .object(let members) = markup else { throw BotAPIError.breach("object expected as reply markup") }
        guard let keyboard = members["inline_keyboard"] else {
            if ["keyboard", "remove_keyboard", "force_reply"].contains(where: { members[$0] != nil }) || members.isEmpty { return nil }
            throw BotAPIError.breach("can't parse reply keyboard markup JSON object")
        }
        guard let rows = keyboard.array else { throw BotAPIError.breach("field \"inline_keyboard\" of the InlineKeyboardMarkup should be an Array of Arrays") }
        var kept: [JSONValue] = []
        var count = 0
        for row in rows {
            guard let buttons = row.array else {
                throw BotAPIError.breach("field \"inline_keyboard\" of the InlineKeyboardMarkup should be an Array of Arrays")
            }
            count += buttons.count
            if !buttons.isEmpty { kept.append(.array(try buttons.map(Self.checked))) }
        }
        if count > Self.maximumButtons { throw BotAPIError.breach("REPLY_MARKUP_TOO_LONG") }
        if kept.isEmpty { return nil }
        self.rows = .array(kept)
    }

    private static func checked(_ button: JSONValue) throws -> JSONValue {
        guard case .object = button else { throw BotAPIError.breach("can't parse inline keyboard button: InlineKeyboardButton must be an Object") }
        guard let text = button["text"]?.string else { throw BotAPIError.breach("can't parse inline keyboard button: Can't find field \"text\"") }
        if text.trimmingCharacters(in: .whitespaces).isEmpty { throw BotAPIError.breach("inline keyboard button text must be non-empty") }
        if let data = button["callback_data"] {
            guard let data = data.string, (1...64).contains(data.utf8.count) else { throw BotAPIError.breach("BUTTON_DATA_INVALID") }
            return ["text": .string(text), "callback_data": .string(data)]
        }
        if let address = button["url"]?.string {
            guard let url = URL(string: address), let scheme = url.scheme?.lowercased(), ["http", "https", "tg"].contains(scheme), url.host != nil else {
                throw BotAPIError.breach("inline keyboard button URL '\(address)' is invalid: Wrong HTTP URL")
            }
            return ["text": .string(text), "url": .string(address)]
        }
        throw BotAPIError.breach("can't parse inline keyboard button: Text buttons are unallowed in the inline keyboard")
    }
}
