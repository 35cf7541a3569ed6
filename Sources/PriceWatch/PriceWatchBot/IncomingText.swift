import TelegramBotAPI

/// What a message asks for.
enum IncomingText: Equatable {
    case start, help, list, language
    /// A page of the settings, with what was written after the command.
    case settings(SettingsPage, String)
    /// A command that the bot does not have.
    case unknownCommand
    /// Links to follow, in their order, without repeats.
    case links([String])
    /// Nothing of that kind.
    case other
    /// Meant for another bot, or nothing for bots: no answer.
    case notForUs

    /// More links in one message are left out.
    static let maximumLinks = 5

    /// Reads a message.
    /// - Parameters:
    ///   - botName: the bot's user name, for commands such as `/list@our_bot`.
    ///   - isPrivate: in a group only commands and links are for the bot.
    init(text: String, entities: [TelegramEntity], botName: String?, isPrivate: Bool) {
        if text.hasPrefix("/"), let command = Self.command(text, botName: botName) {
            self = command
            return
        }
        let links = Self.links(in: text, entities)
        if !links.isEmpty {
            self = .links(links)
        } else {
            self = isPrivate ? .other : .notForUs
        }
    }

    private static func command(_ text: String, botName: String?) -> IncomingText? {
        let word = text.dropFirst().prefix { !$0.isWhitespace }
        let parts = word.split(separator: "@", maxSplits: 1, omittingEmptySubsequences: false)
        guard let name = parts.first?.lowercased(), !name.isEmpty else { return nil }
        if parts.count > 1, let botName, parts[1].lowercased() != botName.lowercased() { return .notForUs }
        switch name {
        // What follows /start comes from a link that anybody may have made: it is not looked at.
        case "start": return .start
        case "help": return .help
        case "list": return .list
        case "language", "lang": return .language
        case "settings", "interval", "timezone", "digest", "quiet":
            let written = text.dropFirst(1 + word.count).split(whereSeparator: \.isWhitespace).joined(separator: " ")
            return .settings(pages[name] ?? .menu, String(written.prefix(100)))
        case "add": return nil
        default: return .unknownCommand
        }
    }

    private static let pages: [String: SettingsPage] = ["interval": .interval, "timezone": .zone, "digest": .digest, "quiet": .quiet]

    /// Links as Telegram marked them; where it marked none, words that begin like one.
    static func links(in text: String, _ entities: [TelegramEntity]) -> [String] {
        var found: [String] = []
        for entity in entities {
            switch entity.type {
            case "text_link": found.append(entity.url ?? "")
            case "url": found.append(completed(entity.part(of: text) ?? ""))
            default: break
            }
        }
        if found.isEmpty {
            found = text.split(whereSeparator: \.isWhitespace).map(String.init).filter { hasScheme($0) || $0.lowercased().hasPrefix("www.") }.map(completed)
        }
        var seen: Set<String> = []
        return found.filter { hasScheme($0) && $0.utf8.count <= 2_048 && seen.insert($0).inserted }
    }

    private static func hasScheme(_ text: String) -> Bool {
        let lower = text.lowercased()
        return ["http://", "https://"].contains { lower.hasPrefix($0) && lower.count > $0.count }
    }

    /// People write `shop.example/item`; Telegram marks it as a link.
    private static func completed(_ text: String) -> String {
        text.isEmpty || text.contains("://") ? text : "https://" + text
    }
}
