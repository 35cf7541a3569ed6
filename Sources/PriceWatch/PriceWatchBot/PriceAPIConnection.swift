import Foundation
import Logging
import PriceWatchJobs
import PriceWatchModel
import ServiceLifecycle
import WebSocketUpgrade

/// The API over one WebSocket: requests of many users at once, answered in any order; opened again, after pauses that grow, whenever it is lost.
///
/// A request that finds no connection, or loses it, waits for the next one within its time limit, so that a restart of the API is a delay and no error.
public actor PriceAPIConnection: PriceAPI, Service {
    private typealias Waiter = CheckedContinuation<String, any Error>

    private let client: WebSocketClient
    private let logger: Logger
    private let addLimit: Duration
    private let limit: Duration
    private var session: WebSocketSession?
    private var pending = PendingRequests<Waiter>()
    private var isClosed = false

    /// Makes a connection; ``run()`` opens it.
    /// - Parameters:
    ///   - addLimit: how long adding a product may take: the shop's page has to be read.
    ///   - limit: how long anything else may take.
    public init(client: WebSocketClient, addLimit: Duration = .seconds(50), limit: Duration = .seconds(12), logger: Logger) {
        self.client = client
        self.addLimit = addLimit
        self.limit = limit
        self.logger = logger
    }

    /// Whether requests are answered now.
    public var isOpen: Bool { session != nil }

    /// Keeps the connection open until shutdown.
    public func run() async throws {
        let client = client
        await cancelWhenGracefulShutdown {
            await client.run { session in try await self.serve(session) }
        }
        isClosed = true
        for waiter in pending.takeAll() { waiter.resume(throwing: ChatFault(.unavailable, "the bot is ending")) }
    }

    private func serve(_ session: WebSocketSession) async throws {
        self.session = session
        defer { self.session = nil }
        for frame in pending.frames { try await session.send(frame) }
        for try await message in session.messages {
            guard case .text(let text) = message else { continue }
            guard let id = try? JSONDecoder().decode(ChatReplyID.self, from: Data(text.utf8)).id else {
                logger.warning("the API sent something that is no reply")
                continue
            }
            pending.take(id)?.resume(returning: text)
        }
    }

    // MARK: Requests

    private func ask<Value: Decodable & Sendable>(_ asker: Asker, _ action: ChatAction, within limit: Duration, as: Value.Type) async throws -> Value {
        guard !isClosed else { throw ChatFault(.unavailable, "the bot is ending") }
        guard let id = pending.makeID() else { throw ChatFault(.busy, "too many requests are waiting") }
        let request = ChatRequest(id: id, chatID: asker.chatID, userName: asker.name, language: asker.language, key: asker.key, action: action)
        let frame = String(decoding: try JSONEncoder().encode(request), as: UTF8.self)
        let text = try await reply(to: id, frame: frame, within: limit)
        guard let reply = try? JSONDecoder().decode(ChatReply<Value>.self, from: Data(text.utf8)) else {
            throw ChatFault(.unavailable, "the reply to \(action.name.rawValue) is not in the form agreed on")
        }
        return try reply.result.get()
    }

    private func reply(to id: String, frame: String, within limit: Duration) async throws -> String {
        let timer = Task {
            try await Task.sleep(for: limit)
            self.fail(id, ChatFault(.timedOut, "no reply within \(limit)"))
        }
        defer { timer.cancel() }
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                pending.add(id, frame: frame, waiter: continuation)
                // A task that was cancelled before it got here: its handler has run already and found nothing.
                if Task.isCancelled { return fail(id, CancellationError()) }
                // A frame that this session loses is sent again by the next one.
                if let session { Task { try? await session.send(frame) } }
            }
        } onCancel: {
            Task { await self.fail(id, CancellationError()) }
        }
    }

    private func fail(_ id: String, _ error: any Error) { pending.take(id)?.resume(throwing: error) }

    // MARK: PriceAPI

    public func addProduct(_ asker: Asker, link: String) async throws -> AddProduct.Outcome {
        try await ask(asker, .addProduct(link: link), within: addLimit, as: AddProduct.Outcome.self)
    }

    public func watches(_ asker: Asker) async throws -> [Watch] {
        try await ask(asker, .listWatches, within: limit, as: ChatResult.Watches.self).watches
    }

    public func removeWatch(_ asker: Asker, watchID: Int64) async throws -> Bool {
        try await ask(asker, .removeWatch(watchID: watchID), within: limit, as: ChatResult.Removed.self).removed
    }

    public func history(_ asker: Asker, watchID: Int64, limit count: Int) async throws -> ChatResult.History {
        try await ask(asker, .history(watchID: watchID, limit: count), within: limit, as: ChatResult.History.self)
    }

    public func setLanguage(_ asker: Asker, _ language: Language) async throws {
        _ = try await ask(asker, .setLanguage(language), within: limit, as: ChatResult.Nothing.self)
    }

    public func language(of asker: Asker) async throws -> Language? {
        try await ask(asker, .getUser, within: .seconds(2), as: ChatResult.Person.self).language
    }

    public func settings(_ asker: Asker) async throws -> ChatResult.Settings {
        try await ask(asker, .getSettings, within: limit, as: ChatResult.Settings.self)
    }

    public func changeSettings(_ asker: Asker, _ change: PreferencesChange) async throws -> ChangeSettings.Outcome {
        try await ask(asker, .changeSettings(change), within: limit, as: ChangeSettings.Outcome.self)
    }

    public func setInterval(_ asker: Asker, watchID: Int64, seconds: Int?) async throws -> SetInterval.Outcome {
        try await ask(asker, .setInterval(watchID: watchID, seconds: seconds), within: limit, as: SetInterval.Outcome.self)
    }

    public func retryWatch(_ asker: Asker, watchID: Int64) async throws -> RetryWatch.Outcome {
        try await ask(asker, .retryWatch(watchID: watchID), within: addLimit, as: RetryWatch.Outcome.self)
    }

    public func setBlocked(chatID: Int64, _ isBlocked: Bool) async throws {
        let asker = Asker(chatID: chatID, name: "", language: .english)
        _ = try await ask(asker, .chatBlocked(isBlocked), within: limit, as: ChatResult.Nothing.self)
    }

    public func moveChat(_ chatID: Int64, to new: Int64) async throws {
        let asker = Asker(chatID: chatID, name: "", language: .english)
        _ = try await ask(asker, .chatMoved(to: new), within: limit, as: ChatResult.Nothing.self)
    }
}
