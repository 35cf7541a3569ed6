/// A button under a message.
public struct TelegramButton: Sendable, Hashable, Codable {
    /// What it shows.
    public var text: String
    /// What comes back when it is pressed: 1 to 64 bytes.
    public var callbackData: String?
    /// Where it leads.
    public var url: String?

    /// A button whose press comes back as a callback query.
    /// - Parameter data: 1 to 64 bytes of UTF-8.
    public static func callback(_ text: String, data: String) -> TelegramButton { TelegramButton(text: text, callbackData: data) }

    /// A button that opens a link.
    public static func link(_ text: String, url: String) -> TelegramButton { TelegramButton(text: text, url: url) }

    enum CodingKeys: String, CodingKey {
        case text, url
        case callbackData = "callback_data"
    }
}

/// The buttons under a message, in rows.
public struct TelegramKeyboard: Sendable, Hashable, Codable {
    /// The rows.
    public var rows: [[TelegramButton]]

    /// Makes a keyboard.
    public init(_ rows: [[TelegramButton]]) { self.rows = rows }

    enum CodingKeys: String, CodingKey {
        case rows = "inline_keyboard"
    }
}

/// A command that the app offers.
public struct TelegramCommand: Sendable, Hashable, Codable {
    /// 1 to 32 of a–z, 0–9 and _.
    public var command: String
    /// 1 to 256 characters.
    public var description: String

    /// Makes a command.
    public init(_ command: String, _ description: String) {
        self.command = command
        self.description = description
    }
}

/// A picture or document to send.
public enum TelegramFile: Sendable, Hashable {
    /// Fetched by Telegram.
    case url(String)
    /// Sent before.
    case fileID(String)
    /// Uploaded.
    case upload(bytes: [UInt8], name: String, contentType: String)
}
