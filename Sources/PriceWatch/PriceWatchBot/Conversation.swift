import Logging
import PriceWatchJobs
import PriceWatchModel
import TelegramBotAPI

/// What the bot does with one update. It keeps nothing but the languages: products, prices and whose they are is the API's.
struct Conversation: Sendable {
    let api: any PriceAPI
    let chat: any ChatPort
    let languages: LanguageBook
    /// The bot's own user name; known once Telegram has told it.
    let botName: String?
    let logger: Logger

    /// Waits between two tries to tell the API of a chat; throws when the bot ends.
    var pause: @Sendable (Duration) async throws -> Void = { try await Task.sleep(for: $0) }
    /// The newest word on each chat that the API has not been told.
    let news = ChatNews()

    /// Does what an update asks for; answers whether it is done with: the bot's end may interrupt it, and then it has to come again.
    func handle(_ update: TelegramUpdate) async -> Bool {
        do {
            do {
                switch update.content {
                case .message(let message): try await handle(message, of: update)
                case .callbackQuery(let query): try await handle(query, of: update)
                case .membership(let change): try await note(blocked: change.isGone, in: change.chat.id, of: update)
                case .other: break
                }
            } catch let error as TelegramError where error.isChatUnreachable {
                try await note(blocked: true, in: update.chatID ?? 0, of: update)
            }
        } catch is CancellationError {
            return false
        } catch {
            // The conversation's errors are Telegram's and the API's; both are worded without tokens and without what users wrote.
            logger.warning("an update could not be answered", metadata: ["update": "\(update.id)", "error": "\(error)"])
        }
        return true
    }

    // MARK: Messages

    private func handle(_ message: TelegramMessage, of update: TelegramUpdate) async throws {
        if let new = message.migrateToChatID { return try await move(message.chat.id, to: new) }
        if let old = message.migrateFromChatID { return try await move(old, to: message.chat.id) }
        guard let from = message.from, !from.isBot, let text = message.text ?? message.caption else { return }
        let asking = IncomingText(
            text: text, entities: message.entities ?? message.captionEntities ?? [], botName: botName, isPrivate: message.chat.isPrivate)
        if asking == .notForUs { return }
        let (asker, words) = await meet(from, in: message.chat.id, of: update)
        let chatID = message.chat.id
        switch asking {
        case .start: _ = try await chat.send(BotMessages.greeting(words, name: from.firstName), to: chatID)
        case .help: _ = try await chat.send(BotMessage(TelegramHTML(words.help)), to: chatID)
        case .language: _ = try await chat.send(BotMessages.language(words), to: chatID)
        case .list: try await list(asker, words)
        case .settings(let page, let written): try await change(page, written, asker, words)
        case .links(let links): try await follow(links, asker, words)
        case .unknownCommand: _ = try await chat.send(BotMessage(TelegramHTML(words.unknownCommand)), to: chatID)
        case .other: _ = try await chat.send(BotMessage(TelegramHTML(words.noLink)), to: chatID)
        case .notForUs: break
        }
    }

    /// Who asks, and how to speak: the language chosen earlier, or else that of the user's app.
    ///
    /// Of a message the API hears in any case, also when the bot knows the language: a chat that writes can be written to again.
    private func meet(_ user: TelegramUser, in chatID: Int64, of update: TelegramUpdate) async -> (Asker, BotWords) {
        let asker = Asker(
            chatID: chatID, name: TelegramHTML.line(user.firstName, to: 64), language: Language(telegramCode: user.languageCode), key: "\(update.id)")
        let known = languages[chatID]
        if let known, case .callbackQuery = update.content { return (asker, BotWords(known)) }
        let language: Language
        do {
            language = try await api.language(of: asker) ?? asker.language
            languages[chatID] = language
        } catch {
            language = known ?? asker.language
        }
        return (asker, BotWords(language))
    }

    private func list(_ asker: Asker, _ words: BotWords) async throws {
        let message = try await answer(words) { BotMessages.list(try await api.watches(asker), page: 0, words) }
        _ = try await chat.send(message, to: asker.chatID)
    }

    private func follow(_ links: [String], _ asker: Asker, _ words: BotWords) async throws {
        for (index, link) in links.prefix(IncomingText.maximumLinks).enumerated() {
            var asker = asker
            asker.key = asker.key.map { "\($0):\(index)" }
            try await follow(link, asker, words)
        }
        if links.count > IncomingText.maximumLinks {
            _ = try await chat.send(BotMessage(TelegramHTML(words.tooManyLinks(IncomingText.maximumLinks))), to: asker.chatID)
        }
    }

    /// Says at once that it looks, then what it found: in the same message, or, with a picture, in a new one.
    private func follow(_ link: String, _ asker: Asker, _ words: BotWords) async throws {
        let looking = try await chat.send(BotMessage(TelegramHTML(words.looking)), to: asker.chatID)
        try? await chat.showTyping(in: asker.chatID)
        let found = try await answer(words) { BotMessages.outcome(try await api.addProduct(asker, link: link), words) }
        if let looking, found.pictureURL == nil { return try await chat.edit(looking, in: asker.chatID, to: found) }
        _ = try await chat.send(found, to: asker.chatID)
        if let looking { try? await chat.edit(looking, in: asker.chatID, to: BotMessage(TelegramHTML(words.found))) }
    }

    /// The message that `work` makes, or the one that says why there is none.
    func answer(_ words: BotWords, _ work: () async throws -> BotMessage) async throws -> BotMessage {
        do {
            return try await work()
        } catch let fault as ChatFault {
            logger.info("the API gave no result", metadata: ["fault": "\(fault)"])
            return BotMessage("⚠️ " + TelegramHTML(words.fault(fault.code)))
        }
    }

    // MARK: Buttons

    private func handle(_ query: TelegramCallbackQuery, of update: TelegramUpdate) async throws {
        guard let message = query.message, let data = query.data.flatMap(ButtonData.init) else {
            let language = query.message.flatMap { languages[$0.chat.id] } ?? Language(telegramCode: query.from.languageCode)
            return try await chat.answer(query.id, BotWords(language).staleButton)
        }
        let (asker, words) = await meet(query.from, in: message.chat.id, of: update)
        do {
            try await press(data, on: message.messageID, asker, words, query: query.id)
        } catch let fault as ChatFault {
            logger.info("the API gave no result", metadata: ["fault": "\(fault)"])
            try await chat.answer(query.id, words.fault(fault.code))
        }
    }

    private func press(_ data: ButtonData, on message: Int64, _ asker: Asker, _ words: BotWords, query: String) async throws {
        let chatID = asker.chatID
        switch data {
        case .history(let watchID):
            let history = try await api.history(asker, watchID: watchID, limit: BotMessages.historyLength + 1)
            try await chat.answer(query, nil)
            _ = try await chat.send(BotMessages.history(history, words), to: chatID)
        case .stop(let watchID):
            let isRemoved = try await api.removeWatch(asker, watchID: watchID)
            try await chat.answer(query, isRemoved ? nil : words.fault(.notFound))
            try? await chat.removeButtons(message, in: chatID)
            if isRemoved { _ = try await chat.send(BotMessage(TelegramHTML(words.stopped)), to: chatID) }
        case .stopInList(let watchID, let page):
            let isRemoved = try await api.removeWatch(asker, watchID: watchID)
            try await chat.answer(query, isRemoved ? words.stopped : words.fault(.notFound))
            try await chat.edit(message, in: chatID, to: BotMessages.list(try await api.watches(asker), page: page, words))
        case .page(let page):
            let watches = try await api.watches(asker)
            try await chat.answer(query, nil)
            try await chat.edit(message, in: chatID, to: BotMessages.list(watches, page: page, words))
        case .language(let language):
            try await api.setLanguage(asker, language)
            languages[chatID] = language
            try await chat.answer(query, nil)
            try await chat.edit(message, in: chatID, to: BotMessage(TelegramHTML(BotWords(language).languageChosen)))
        case .settings(let page): try await press(page, on: message, asker, words, query: query)
        case .interval(let seconds):
            try await press(PreferencesChange(checkInterval: seconds.map { .set($0) } ?? .clear), on: message, asker, words, query: query)
        case .timeZone(let zone): try await press(PreferencesChange(timeZone: .set(zone)), on: message, asker, words, query: query)
        case .digest(let period): try await press(PreferencesChange(digest: .set(period)), on: message, asker, words, query: query)
        case .digestHour(let hour): try await press(PreferencesChange(digestHour: .set(hour)), on: message, asker, words, query: query)
        case .quiet(let hours):
            try await press(PreferencesChange(quietHours: hours.map { .set($0) } ?? .clear), on: message, asker, words, query: query)
        case .watchIntervals(let id): try await offerIntervals(id, asker, words, query: query)
        case .watchInterval(let id, let seconds): try await set(seconds, of: id, on: message, asker, words, query: query)
        case .retry(let id): try await retry(id, on: message, asker, words, query: query)
        }
    }

    // MARK: Chats

    /// Tells the API that the chat's watches rest, or go on. A newer word on the same chat makes this one pointless.
    private func note(blocked: Bool, in chatID: Int64, of update: TelegramUpdate) async throws {
        news.begin(update.id, of: chatID)
        defer { news.end(update.id, of: chatID) }
        try await insist("whether a chat can be written to", while: { news.isNewest(update.id, of: chatID) }) {
            try await api.setBlocked(chatID: chatID, blocked)
        }
    }

    private func move(_ chatID: Int64, to new: Int64) async throws {
        try await insist("that a group has a new id", while: { true }) { try await api.moveChat(chatID, to: new) }
        languages[new] = languages[new] ?? languages[chatID]
        languages[chatID] = nil
    }

    /// Tells the API until it has heard, with growing pauses: nobody asks for it again.
    private func insist(_ what: String, while isWanted: () -> Bool, _ tell: () async throws -> Void) async throws {
        var failures = 0
        while isWanted() {
            do {
                return try await tell()
            } catch let fault as ChatFault where [.timedOut, .busy, .unavailable].contains(fault.code) {
                failures += 1
                logger.warning("the API was not told \(what); it is told again", metadata: ["error": "\(fault)", "failures": "\(failures)"])
                try await pause(.milliseconds(500 << min(failures, 6)))
            }
        }
    }
}

extension TelegramUpdate {
    /// The chat that the update is of.
    var chatID: Int64? {
        switch content {
        case .message(let message): message.chat.id
        case .callbackQuery(let query): query.message?.chat.id ?? query.from.id
        case .membership(let change): change.chat.id
        case .other: nil
        }
    }
}
