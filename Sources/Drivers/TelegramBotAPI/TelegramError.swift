/// Why a call of the Bot API gave no result.
///
/// ``description`` holds Telegram's own words, never the token and nothing of the message that was sent.
public struct TelegramError: Error, Sendable, Hashable, CustomStringConvertible {
    /// What went wrong. Open: new codes may come.
    public struct Code: RawRepresentable, Sendable, Hashable {
        /// The code's name.
        public var rawValue: String
        /// Makes a code.
        public init(rawValue: String) { self.rawValue = rawValue }

        /// 429: wait for ``TelegramError/retryAfter``.
        public static let tooManyRequests = Code(rawValue: "too_many_requests")
        /// Not sent: the chat has had its messages for now, and the caller does not wait so long. Wait for ``TelegramError/retryAfter``.
        public static let outOfTurn = Code(rawValue: "out_of_turn")
        /// 403, or a chat that is gone: do not write there until it writes again.
        public static let blocked = Code(rawValue: "blocked")
        /// 400: there is no such chat for this bot.
        public static let chatNotFound = Code(rawValue: "chat_not_found")
        /// 400: the group became a supergroup; ``TelegramError/migrateToChatID`` is its new id.
        public static let migrated = Code(rawValue: "migrated")
        /// 400: the edit changes nothing.
        public static let notModified = Code(rawValue: "not_modified")
        /// 400: the message to edit, delete or answer is not there.
        public static let messageNotFound = Code(rawValue: "message_not_found")
        /// 400: the button was pressed too long ago to be answered.
        public static let queryTooOld = Code(rawValue: "query_too_old")
        /// 400: the markup of the text is wrong.
        public static let badMarkup = Code(rawValue: "bad_markup")
        /// 400: text or caption is longer than allowed.
        public static let tooLong = Code(rawValue: "too_long")
        /// 400: the picture was refused, or could not be fetched by Telegram.
        public static let badPicture = Code(rawValue: "bad_picture")
        /// 400 for another reason.
        public static let badRequest = Code(rawValue: "bad_request")
        /// 401: the token is wrong.
        public static let unauthorized = Code(rawValue: "unauthorized")
        /// 404: there is no such method.
        public static let unknownMethod = Code(rawValue: "unknown_method")
        /// 409: another process polls, or a webhook is set.
        public static let conflict = Code(rawValue: "conflict")
        /// 5xx: Telegram's own trouble.
        public static let unavailable = Code(rawValue: "unavailable")
        /// No answer came: connection, name or time. The call may have had its effect.
        public static let network = Code(rawValue: "network")
        /// The answer is not what the Bot API answers: whether the call had its effect is not known.
        public static let badResponse = Code(rawValue: "bad_response")
        /// The call had its effect, as the answer says, but its result is not what the Bot API answers.
        public static let unreadableResult = Code(rawValue: "unreadable_result")
        /// Token or base address cannot be used.
        public static let badConfiguration = Code(rawValue: "bad_configuration")
    }

    /// What went wrong.
    public var code: Code
    /// The method that was called; empty when none was.
    public var method: String
    /// Telegram's description, or ours.
    public var message: String
    /// How long to wait before the next call, with 429 and ``Code/outOfTurn``.
    public var retryAfter: Duration?
    /// The chat's new id, with ``Code/migrated``.
    public var migrateToChatID: Int64?

    /// Makes an error.
    public init(_ code: Code, method: String = "", _ message: String, retryAfter: Duration? = nil, migrateToChatID: Int64? = nil) {
        self.code = code
        self.method = method
        self.message = message
        self.retryAfter = retryAfter
        self.migrateToChatID = migrateToChatID
    }

    public var description: String { method.isEmpty ? "\(code.rawValue): \(message)" : "\(method): \(code.rawValue): \(message)" }

    /// The same call may succeed later.
    public var isTransient: Bool { [.tooManyRequests, .outOfTurn, .unavailable, .network, .badResponse].contains(code) }

    /// Nothing can be sent to the chat until it writes again.
    public var isChatUnreachable: Bool { code == .blocked || code == .chatNotFound }

    static func outOfTurn(wait: Duration) -> TelegramError {
        TelegramError(.outOfTurn, "the chat has had its messages for now", retryAfter: wait)
    }

    /// Reads an error answer.
    init(method: String, status: Int, description: String, retryAfter: Int?, migrateToChatID: Int64?) {
        self.init(
            Self.code(status: status, description: description.lowercased(), isMigration: migrateToChatID != nil), method: method, description,
            retryAfter: retryAfter.map { .seconds(max($0, 1)) } ?? (status == 429 ? .seconds(1) : nil), migrateToChatID: migrateToChatID)
    }

    /// Telegram tells its 400s apart only by words. Source: the Bot API server's texts.
    private static let badRequests: [(words: String, code: Code)] = [
        ("message is not modified", .notModified), ("chat not found", .chatNotFound), ("message to edit not found", .messageNotFound),
        ("message to delete not found", .messageNotFound), ("message to be replied not found", .messageNotFound), ("query is too old", .queryTooOld),
        ("can't parse entities", .badMarkup), ("is too long", .tooLong), ("photo_invalid", .badPicture), ("image_process", .badPicture),
        ("wrong file identifier", .badPicture), ("wrong remote file identifier", .badPicture), ("http url content", .badPicture),
        ("web page content", .badPicture), ("webpage_", .badPicture), ("user is deactivated", .blocked), ("peer_id_invalid", .chatNotFound),
        // The chat forbids pictures, and not all that is sent to it.
        ("rights to send photos", .badPicture), ("rights to send media", .badPicture), ("rights to send documents", .badPicture),
        ("have no rights to send", .blocked), ("not enough rights to send", .blocked),
    ]

    private static func code(status: Int, description: String, isMigration: Bool) -> Code {
        switch status {
        case 400: isMigration ? .migrated : badRequests.first { description.contains($0.words) }?.code ?? .badRequest
        case 401: .unauthorized
        case 403: .blocked
        case 404: .unknownMethod
        case 409: .conflict
        case 413: .badPicture
        case 429: .tooManyRequests
        case 500...: .unavailable
        default: .badResponse
        }
    }
}
