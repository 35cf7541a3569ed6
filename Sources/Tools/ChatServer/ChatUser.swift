/// Somebody in a chat: a person, or the bot.
struct ChatUser: Sendable, Equatable, Codable {
    var id: Int64
    var isBot = false
    var firstName: String
    var lastName: String?
    var username: String?
    var languageCode: String?

    var json: JSONValue {
        .members([
            "id": .int(id), "is_bot": .bool(isBot), "first_name": .string(firstName), "last_name": lastName.map { .string($0) },
            "username": username.map { .string($0) }, "language_code": languageCode.map { .string($0) },
        ])
    }

    init(id: Int64, isBot: Bool = false, firstName: String, username: String? = nil, languageCode: String? = nil) {
        self.id = id
        self.isBot = isBot
        self.firstName = firstName
        self.username = username
        self.languageCode = languageCode
    }

    /// Somebody from a name or from an object in the Bot API's form. Without a language, the letters of the name decide between Russian and English.
    init?(_ value: JSONValue, id: Int64) {
        switch value {
        case .string(let name) where !name.isEmpty:
            self.init(id: id, firstName: name, languageCode: Self.language(of: name))
        case .object:
            let name = value["first_name"]?.string ?? value["name"]?.string ?? "User \(id)"
            self.init(
                id: value["id"]?.integer ?? id, firstName: name, username: value["username"]?.string,
                languageCode: value["language_code"]?.string ?? Self.language(of: name))
            lastName = value["last_name"]?.string
        default: return nil
        }
    }

    static func language(of name: String) -> String {
        name.unicodeScalars.contains { (0x0400...0x04FF).contains($0.value) } ? "ru" : "en"
    }
}
