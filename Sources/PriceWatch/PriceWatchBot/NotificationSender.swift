import ApiumCore
import Logging
import PriceWatchJobs
import PriceWatchModel
import TelegramBotAPI

/// How the bot runs ``Notify``: what it sends with, whom it tells of chats that are gone, and where it sees what was sent already.
public struct NotificationSender: Sendable {
    /// Sends a message, and answers its id, if it is told one. Throws ``TelegramError``.
    typealias Send = @Sendable (_ message: BotMessage, _ chat: Int64) async throws -> Int64?

    let send: Send
    let api: any PriceAPI
    let results: any ResultBackend
    /// The time.
    var now: @Sendable () -> Timestamp = { Timestamp.now() }

    /// How long a job keeps its place in the worker to wait for its chat's turn; whoever has to wait longer comes back then, so that
    /// one chat's queue takes no other chat's place.
    static let patience = Duration.seconds(1)

    /// Sends by Telegram.
    public init(bot: TelegramBot, api: any PriceAPI, results: any ResultBackend) {
        self.init(api: api, results: results) { message, chat in
            try await bot.sendMessage(chat: chat, message.text, keyboard: message.keyboard, patience: Self.patience)?.messageID
        }
    }

    init(api: any PriceAPI, results: any ResultBackend, send: @escaping Send) {
        self.api = api
        self.results = results
        self.send = send
    }

    /// How long to wait before another try: what Telegram says, or growing pauses up to five minutes, a random part of them so that chats do not
    /// come back together.
    static func pause(after error: TelegramError, retries: Int, jitter: Double) -> Duration {
        error.retryAfter ?? .milliseconds(Int64(Double(min(1_000 << min(retries, 20), 300_000)) * jitter))
    }
}

/// The notification is sent once for one change: its job has the outbox row's id, a run that finds the result of an earlier one sends nothing, and
/// trouble on the way puts the job back, for as long as it takes. Only a crash between Telegram's answer and the job's end may send it again; the
/// outbox is told so by `redelivered`.
extension Notify: DependentJob {
    /// Sends the notification.
    public func run(in context: JobContext, using sender: NotificationSender) async throws -> Delivery {
        if try await sender.wasSent(context.id) { return .alreadySent }
        if let end = notification.notAfter, sender.now().seconds >= Double(end) { return try await sender.rest(notification, context) }
        var chat = notification.chatID
        var hasMoved = false
        let messageID: Int64?
        while true {
            do {
                messageID = try await sender.send(BotMessages.notification(notification), chat)
                break
            } catch let error as TelegramError {
                if let new = error.migrateToChatID, !hasMoved {
                    try await sender.move(chat, to: new)
                    chat = new
                    hasMoved = true
                } else if error.isChatUnreachable {
                    return try await sender.giveUp(chat, context)
                } else if error.isTransient || error.code == .unauthorized || error.code == .conflict {
                    // A wrong token is a deployment's fault and will be mended: the message waits for it.
                    throw Retry(
                        after: NotificationSender.pause(after: error, retries: context.retries, jitter: .random(in: 0.5...1)), maxRetries: nil, reason: error)
                } else {
                    throw error
                }
            }
        }
        await sender.markDelivered(notification, messageID: messageID, context)
        return .sent
    }
}

extension NotificationSender {
    func wasSent(_ id: String) async throws -> Bool {
        try await results.document(for: id)?.state == .success
    }

    /// The group has a new id: what it follows goes with it, so that the new chat's buttons are its own. An API that cannot be told now is told by the next run.
    func move(_ chat: Int64, to new: Int64) async throws {
        try await telling { try await api.moveChat(chat, to: new) }
    }

    /// The chat is gone: its watches rest. An API that cannot be told now is told by the next run.
    func giveUp(_ chat: Int64, _ context: JobContext) async throws -> Notify.Delivery {
        try await telling { try await api.setBlocked(chatID: chat, true) }
        context.logger.info("the chat cannot be written to any more; its watches rest")
        return .blocked
    }

    /// The user's quiet hours have begun: the outbox has it sent when they end. A queue that cannot be told now is told by the next run.
    func rest(_ notification: Notification, _ context: JobContext) async throws -> Notify.Delivery {
        do {
            try await context.enqueue(RestNotification(outboxID: notification.outboxID, job: context.id))
        } catch {
            throw Retry(after: .seconds(10), maxRetries: nil, reason: error)
        }
        return .rested
    }

    private func telling(_ tell: () async throws -> Void) async throws {
        do {
            try await tell()
        } catch let fault as ChatFault {
            throw Retry(after: .seconds(10), maxRetries: nil, reason: fault)
        }
    }

    /// The message is out: nothing after this may throw, or the job would send it again. The outbox is told, for some seconds if need be.
    func markDelivered(_ notification: Notification, messageID: Int64?, _ context: JobContext) async {
        let mark = MarkDelivered(outboxID: notification.outboxID, messageID: messageID, redelivered: context.redelivered)
        for attempt in 1...5 {
            do {
                try await context.enqueue(mark)
                return
            } catch {
                context.logger.warning("the outbox was not told of a delivery", metadata: ["outbox": "\(notification.outboxID)", "error": "\(error)"])
                if attempt < 5 { try? await Task.sleep(for: .milliseconds(250 << attempt)) }
            }
        }
    }
}
