import DynamicJSON
import Logging
import Metrics
import NIOCore
import PriceWatchModel
import Synchronization
import WebSocketUpgrade

/// One connection of the bot: requests run side by side, each gets exactly one reply with its id, in any order.
struct ChatSocket: Sendable {
    let desk: ChatDesk
    let logger: Logger

    /// How many requests of one connection may be outstanding; more are answered `busy` at once.
    static let outstandingLimit = 256
    /// The bounds of a request's JSON.
    static let limits = JSONLimits(bytes: 64 * 1024, depth: 8)

    /// Serves until either side closes. What is outstanding then is cancelled: the bot asks again on its next connection.
    func serve(_ session: WebSocketSession) async throws {
        logger.info("The bot is connected", metadata: ["from": "\(session.request.remoteAddress)"])
        defer { logger.info("The bot is gone", metadata: ["close": "\(session.close.map { "\($0)" } ?? "none")"]) }
        let outstanding = Outstanding()
        try await withThrowingDiscardingTaskGroup { group in
            defer { group.cancelAll() }
            for try await message in session.messages {
                guard case .text(let text) = message else {
                    session.close(.unacceptableData, reason: "text only")
                    continue
                }
                guard outstanding.begin(limit: Self.outstandingLimit) else {
                    try await session.send(Self.reply(to: text, .busy, "more than \(Self.outstandingLimit) requests are outstanding"))
                    continue
                }
                group.addTask {
                    defer { outstanding.end() }
                    let reply = await reply(to: text)
                    // A connection that is gone needs no reply.
                    try? await session.send(reply)
                }
            }
        }
    }

    /// The reply to one frame; never fails.
    func reply(to text: String) async -> String {
        let request: ChatRequest
        do {
            request = try ChatFrame.read(text)
        } catch {
            Counter(label: "chat_requests_total", dimensions: [("action", "none"), ("outcome", error.fault.code.rawValue)]).increment()
            return Self.reply(error.id, .failure(error.fault))
        }
        let start = ContinuousClock.now
        let result = await RequestSpan.around(chat: request.action.name.rawValue) { await self.result(of: request) }
        let outcome: String =
            switch result {
            case .success: "ok"
            case .failure(let fault): fault.code.rawValue
            }
        Counter(label: "chat_requests_total", dimensions: [("action", request.action.name.rawValue), ("outcome", outcome)]).increment()
        Timer(label: "chat_request_duration_seconds", dimensions: [("action", request.action.name.rawValue)]).record(duration: ContinuousClock.now - start)
        return Self.reply(request.id, result)
    }

    private func result(of request: ChatRequest) async -> Result<JSONValue, ChatFault> {
        do {
            return .success(try await desk.answer(request))
        } catch let fault as ChatFault {
            return .failure(fault)
        } catch let error as APIError {
            return .failure(ChatFault(error.code == .notFound ? .notFound : .unavailable, error.message))
        } catch {
            logger.warning("A question of the bot failed", metadata: ["action": "\(request.action.name.rawValue)", "error": "\(error)"])
            return .failure(ChatFault(.unavailable, "a part behind the API cannot be reached"))
        }
    }

    private static func reply(to text: String, _ code: ChatFault.Code, _ message: String) -> String {
        reply(ChatFrame.id(text), .failure(ChatFault(code, message)))
    }

    private static func reply(_ id: String, _ result: Result<JSONValue, ChatFault>) -> String {
        do {
            return try JSONValueEncoder().encode(ChatReply(id: id, result: result)).text
        } catch {
            // A reply of plain JSON values always encodes; should it not, the asker is not left waiting.
            return "{\"id\":\(JSONValue.string(id).text),\"ok\":false,\"error\":{\"code\":\"unavailable\",\"message\":\"the reply could not be written\"}}"
        }
    }
}

/// How many requests of one connection are outstanding.
private final class Outstanding: Sendable {
    private let count = Mutex(0)

    /// Takes a place; false when all are taken.
    func begin(limit: Int) -> Bool {
        count.withLock { count in
            guard count < limit else { return false }
            count += 1
            return true
        }
    }

    func end() { count.withLock { $0 -= 1 } }
}

/// Reads a request's frame strictly.
enum ChatFrame {
    /// A frame that is no request, with the id it has, if any.
    struct Damage: Error {
        var id: String
        var fault: ChatFault
    }

    static func read(_ text: String) throws(Damage) -> ChatRequest {
        let value: JSONValue
        do {
            value = try JSONValue(parsing: text, limits: ChatSocket.limits)
        } catch {
            throw Damage(id: "", fault: ChatFault(.badRequest, "a frame is a JSON object: \(error.description.prefixed(200))"))
        }
        let id = self.id(value)
        guard !id.isEmpty else { throw Damage(id: "", fault: ChatFault(.badRequest, "id must be a text of 1 to 64 bytes")) }
        guard let name = value["action"]?.stringValue else { throw Damage(id: id, fault: ChatFault(.badRequest, "action is required")) }
        guard let action = ChatActionName(rawValue: name) else {
            let names = ChatActionName.allCases.map(\.rawValue).joined(separator: ", ")
            throw Damage(id: id, fault: ChatFault(.unknownAction, "there are \(names)"))
        }
        do {
            return try JSONValueDecoder().decode(ChatRequest.self, from: try schema(of: action).check(value))
        } catch let mismatch as Mismatch {
            throw Damage(id: id, fault: ChatFault(.badRequest, "\(mismatch.path.isEmpty ? "the frame" : mismatch.path): \(mismatch.reason)"))
        } catch {
            throw Damage(id: id, fault: ChatFault(.badRequest, "the request cannot be read"))
        }
    }

    /// The id of a frame, if it has one; else an empty text.
    static func id(_ text: String) -> String { (try? JSONValue(parsing: text, limits: ChatSocket.limits)).map(id) ?? "" }

    private static func id(_ value: JSONValue) -> String {
        guard let id = value["id"]?.stringValue, (1...64).contains(id.utf8.count) else { return "" }
        return id
    }

    static func schema(of action: ChatActionName) -> Schema {
        var properties: [Schema.Property] = [
            .required("id", .string(StringRule(length: 1...64, alphabet: .any))), .required("action", .choice([action.rawValue])),
            .required("chat_id", .chatID), .optional("key", .nullable(.string(StringRule(length: 1...64, alphabet: .any)))),
            .optional("user_name", .nullable(.string(StringRule(length: 0...256, alphabet: .any)))),
        ]
        let language = Schema.choice(Language.allCases.map(\.rawValue))
        properties.append(action == .setLanguage ? .required("language", language) : .optional("language", .nullable(language)))
        switch action {
        case .addProduct: properties.append(.required("link", .string(StringRule(length: Limits.link, alphabet: .any))))
        case .removeWatch, .retryWatch: properties.append(.required("watch_id", .id))
        case .setInterval: properties += [.required("watch_id", .id), .optional("seconds", .nullable(PreferencesChange.seconds))]
        case .changeSettings: properties.append(.required("change", PreferencesChange.schema))
        case .history: properties += [.required("watch_id", .id), .required("limit", .integer(1...1000))]
        case .chatMoved: properties.append(.required("new_chat_id", .chatID))
        case .chatBlocked: properties.append(.required("blocked", .boolean))
        case .listWatches, .setLanguage, .getUser, .getSettings: break
        }
        return .object(properties)
    }
}
