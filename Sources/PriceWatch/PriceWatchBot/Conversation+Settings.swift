import PriceWatchJobs
import PriceWatchModel
import TelegramBotAPI

/// Settings: what commands and buttons say of them becomes one change, which the API makes.
extension Conversation {
    /// A command with what was written after it; without anything, its page of `/settings` is shown.
    func change(_ page: SettingsPage, _ written: String, _ asker: Asker, _ words: BotWords) async throws {
        guard !written.isEmpty else { return try await show(page, asker, words) }
        guard let change = SettingsText.change(page, written) else {
            _ = try await chat.send(BotMessage(TelegramHTML(words.badSetting)), to: asker.chatID)
            return
        }
        let message = try await answer(words) {
            let outcome = try await api.changeSettings(asker, change)
            if let refusal = outcome.refusal { return BotMessage("⚠️ " + TelegramHTML(words.refusal(refusal))) }
            return BotMessages.settings(try await api.settings(asker), page: .menu, words)
        }
        _ = try await chat.send(message, to: asker.chatID)
    }

    func show(_ page: SettingsPage, _ asker: Asker, _ words: BotWords) async throws {
        let message = try await answer(words) { BotMessages.settings(try await api.settings(asker), page: page, words) }
        _ = try await chat.send(message, to: asker.chatID)
    }

    /// A pressed button that changes settings: the page it stands on becomes the menu again.
    func press(_ change: PreferencesChange, on message: Int64, _ asker: Asker, _ words: BotWords, query: String) async throws {
        let outcome = try await api.changeSettings(asker, change)
        try await chat.answer(query, outcome.refusal.map(words.refusal))
        try await chat.edit(message, in: asker.chatID, to: BotMessages.settings(try await api.settings(asker), page: .menu, words))
    }

    func press(_ page: SettingsPage, on message: Int64, _ asker: Asker, _ words: BotWords, query: String) async throws {
        let settings = try await api.settings(asker)
        try await chat.answer(query, nil)
        try await chat.edit(message, in: asker.chatID, to: BotMessages.settings(settings, page: page, words))
    }

    // MARK: One product

    /// The choice comes as a message of its own: the product's may have a picture.
    func offerIntervals(_ watchID: Int64, _ asker: Asker, _ words: BotWords, query: String) async throws {
        guard let watch = try await api.watches(asker).first(where: { $0.id == watchID }) else { return try await chat.answer(query, words.fault(.notFound)) }
        let settings = try await api.settings(asker)
        try await chat.answer(query, nil)
        _ = try await chat.send(BotMessages.watchIntervals(watch, settings.intervals, words), to: asker.chatID)
    }

    func set(_ seconds: Int?, of watchID: Int64, on message: Int64, _ asker: Asker, _ words: BotWords, query: String) async throws {
        let outcome = try await api.setInterval(asker, watchID: watchID, seconds: seconds)
        guard let watch = outcome.watch else { return try await chat.answer(query, outcome.refusal.map(words.refusal) ?? words.fault(.notFound)) }
        try await chat.answer(query, nil)
        try await chat.edit(message, in: asker.chatID, to: BotMessages.intervalSet(watch, words))
    }

    /// Reads the page now. A link that works loses the button, one that does not keeps it.
    func retry(_ watchID: Int64, on message: Int64, _ asker: Asker, _ words: BotWords, query: String) async throws {
        try await chat.answer(query, words.looking)
        let found = try await answer(words) {
            let outcome = try await api.retryWatch(asker, watchID: watchID)
            guard let watch = outcome.watch else { return BotMessage(TelegramHTML(words.fault(.notFound))) }
            if let failure = outcome.failure { return BotMessage("⚠️ " + TelegramHTML(words.stillFailing(failure))) }
            try? await chat.removeButtons(message, in: asker.chatID)
            return BotMessages.retried(watch, words)
        }
        _ = try await chat.send(found, to: asker.chatID)
    }
}

/// What people write after a command of the settings.
enum SettingsText {
    /// `nil` for what makes no sense; whether it is allowed is for the API to say.
    static func change(_ page: SettingsPage, _ written: String) -> PreferencesChange? {
        let text = written.lowercased()
        let isOff = ["off", "none", "default", "нет", "обычно", "-"].contains(text)
        switch page {
        case .menu: return nil
        case .interval: return isOff ? PreferencesChange(checkInterval: .clear) : seconds(text).map { PreferencesChange(checkInterval: .set($0)) }
        case .zone: return PreferencesChange(timeZone: isOff ? .clear : .set(String(written.prefix(64))))
        case .digest: return isOff ? PreferencesChange(digest: .set(.off)) : digest(text)
        case .quiet: return isOff ? PreferencesChange(quietHours: .clear) : quiet(text).map { PreferencesChange(quietHours: .set($0)) }
        }
    }

    /// `45m`, `2 h`, `1d`, `90s`, and in Russian; a bare number is minutes.
    static func seconds(_ text: String) -> Int? {
        let text = text.filter { !$0.isWhitespace }
        let digits = text.prefix { $0.isASCII && $0.isNumber }
        guard (1...6).contains(digits.count), let number = Int(digits), number > 0 else { return nil }
        switch text.dropFirst(digits.count) {
        case "s", "sec", "с", "сек": return number
        case "", "m", "min", "м", "мин": return number * 60
        case "h", "ч", "час", "часа", "часов": return number * 3_600
        case "d", "д", "дн", "день", "дня", "дней": return number * 86_400
        default: return nil
        }
    }

    /// `daily 8`, `weekly`, `8`.
    private static func digest(_ text: String) -> PreferencesChange? {
        var change = PreferencesChange()
        for word in text.split(separator: " ") {
            switch word {
            case "daily", "day", "ежедневно", "день": change.digest = .set(.daily)
            case "weekly", "week", "еженедельно", "неделя": change.digest = .set(.weekly)
            default:
                guard let hour = hour(word) else { return nil }
                change.digestHour = .set(hour)
            }
        }
        if !change.digest.isChange { change.digest = .set(.daily) }
        return change
    }

    /// `23-8`, `22:00–07:00`.
    private static func quiet(_ text: String) -> QuietHours? {
        let parts = text.split { "-–— ".contains($0) }
        guard parts.count == 2, let from = hour(parts[0]), let until = hour(parts[1]) else { return nil }
        return QuietHours(from: from, until: until)
    }

    /// `8`, `08`, `8:00`.
    private static func hour(_ text: Substring) -> Int? {
        let digits = text.hasSuffix(":00") ? text.dropLast(3) : text
        guard (1...2).contains(digits.utf8.count), digits.utf8.allSatisfy({ (48...57).contains($0) }), let hour = Int(digits), hour < 24 else { return nil }
        return hour
    }
}
