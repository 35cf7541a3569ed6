import Logging
import PriceWatchModel
import ServiceLifecycle
import TelegramBotAPI

/// The conversation as a service: polls Telegram and answers, many chats at once.
public struct PriceWatchBot: Service {
    private let bot: TelegramBot
    private let api: any PriceAPI
    private let logger: Logger

    /// Makes the bot.
    public init(bot: TelegramBot, api: any PriceAPI, logger: Logger) {
        self.bot = bot
        self.api = api
        self.logger = logger
    }

    /// Polls until shutdown; what is being answered then is finished. What is not, after a crash or an API that is away, comes again with the next start.
    ///
    /// - Throws: ``TelegramError`` `unauthorized` for a token that Telegram does not know.
    public func run() async throws {
        guard let me = try await cancelWhenGracefulShutdown({ try await introduce() }) else { return }
        let chat = TelegramChatPort(bot: bot)
        var conversation = Conversation(api: api, chat: chat, languages: LanguageBook(), botName: me.username, logger: logger)
        conversation.pause = { pause in
            try await cancelWhenGracefulShutdown { try await Task.sleep(for: pause) }
        }
        logger.info("the bot is there", metadata: ["name": "\(me.username ?? me.firstName)"])
        let keeper = LaneKeeper()
        let updates = bot.updates(["message", "callback_query", "my_chat_member"])
        try await withThrowingDiscardingTaskGroup { [conversation] handlers in
            for try await update in updates.cancelOnGracefulShutdown() {
                guard let id = update.chatID else {
                    updates.end(update)
                    continue
                }
                switch await keeper.admit(id, isVital: update.isVital) {
                case .run:
                    handlers.addTask {
                        if await conversation.handle(update) { updates.end(update) }
                        await keeper.ended(id)
                    }
                case .refuse(let isFirst):
                    logger.info("a chat asks faster than it is answered")
                    updates.end(update)
                    handlers.addTask { try? await tell(chat, update, isFirst: isFirst) }
                case .wait: break
                }
            }
        }
        // What ended after the last question is confirmed; were it not, it would come again.
        if let offset = updates.offset { _ = try? await bot.getUpdates(offset: offset, limit: 1, wait: .zero) }
    }

    /// Says that an update was not taken: of messages once, of each button that is pressed, for it shows a wait.
    private func tell(_ chat: TelegramChatPort, _ update: TelegramUpdate, isFirst: Bool) async throws {
        switch update.content {
        case .message(let message) where isFirst:
            _ = try await chat.send(BotMessage(TelegramHTML(BotWords(Language(telegramCode: message.from?.languageCode)).busyChat)), to: message.chat.id)
        case .callbackQuery(let query): try await chat.answer(query.id, BotWords(Language(telegramCode: query.from.languageCode)).busyChat)
        default: break
        }
    }

    /// Waits until Telegram answers, ends a webhook that may be left from earlier, and offers the commands. `nil`: shut down meanwhile.
    private func introduce() async throws -> TelegramUser? {
        var failures = 0
        while !Task.isCancelled {
            do {
                let me = try await bot.getMe()
                try await bot.deleteWebhook()
                await offerCommands()
                return me
            } catch let error as TelegramError where error.isTransient || error.code == .unreadableResult {
                failures = min(failures + 1, 6)
                logger.warning("Telegram cannot be reached; trying again", metadata: ["error": "\(error)"])
                try? await Task.sleep(for: error.retryAfter ?? .milliseconds(250 << failures))
            } catch is CancellationError {
                return nil
            }
        }
        return nil
    }

    /// A Bot API server may not know the method; the bot works without it.
    private func offerCommands() async {
        do {
            for (code, language) in [(nil, Language.english), ("en", .english), ("ru", .russian)] {
                try await bot.setMyCommands(BotWords(language).commands.map { TelegramCommand($0.name, $0.description) }, language: code)
            }
        } catch {
            logger.warning("the commands could not be offered", metadata: ["error": "\(error)"])
        }
    }
}

extension TelegramUpdate {
    /// Whether it tells that the bot was blocked or thrown out, or that a group has another number.
    fileprivate var isVital: Bool {
        switch content {
        case .membership: true
        case .message(let message): message.migrateToChatID != nil || message.migrateFromChatID != nil
        default: false
        }
    }
}
