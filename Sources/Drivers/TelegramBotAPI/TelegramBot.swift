import Foundation
import HTTPFetch
import Logging

/// A bot: typed calls of Telegram's Bot API.
///
/// ```swift
/// let bot = try TelegramBot(token: token, logger: logger)
/// try await bot.sendMessage(chat: 77, TelegramHTML("Hello"))
/// ```
/// Sends to chats keep Telegram's limits by waiting for their turn; see ``SendGate``. The token is in no error, log line or description.
public struct TelegramBot: Sendable, CustomStringConvertible {
    /// Telegram's own address.
    public static let telegram = "https://api.telegram.org"

    private let token: String
    private let base: String
    /// What carries a call; nil: the network.
    var carrier: (@Sendable (FetchRequest) async throws -> FetchResponse)?
    private let fetcher: HTTPFetcher
    let logger: Logger
    let gate: SendGate

    /// Makes a bot.
    /// - Parameters:
    ///   - token: as given by @BotFather.
    ///   - baseAddress: of the Bot API; another one than Telegram's for tests and for a Bot API server of one's own.
    ///   - gate: the limits of sending; shared when several values stand for one bot.
    /// - Throws: ``TelegramError`` `badConfiguration`.
    public init(token: String, baseAddress: String = telegram, gate: SendGate = SendGate(clock: ContinuousClock()), logger: Logger) throws {
        guard !token.isEmpty, token.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !"/?#%\\".utf8.contains($0) }) else {
            throw TelegramError(.badConfiguration, "the token of the bot is empty, or holds characters that no token has")
        }
        guard let url = URL(string: baseAddress), let scheme = url.scheme?.lowercased(), ["http", "https"].contains(scheme), url.host?.isEmpty == false else {
            throw TelegramError(.badConfiguration, "the base address of the Bot API must be an http or https URL, such as \(Self.telegram)")
        }
        self.token = token
        base = String(baseAddress.reversed().drop { $0 == "/" }.reversed())
        self.gate = gate
        self.logger = logger
        let port = UInt16(exactly: url.port ?? (scheme == "http" ? 80 : 443)) ?? 443
        // The address is the deployment's own setting, so it may be local. No redirects: the token would travel with them.
        fetcher = HTTPFetcher(
            configuration: .init(
                addressPolicy: .anywhere, ports: [port], limits: FetchLimits(total: .seconds(30), connect: .seconds(10), bodyBytes: 16 << 20, redirects: 0),
                userAgent: "Apium-Telegram/1", connectionsPerHost: 32),
            logger: Logger(label: "telegram.http", factory: { _ in SwiftLogNoOpLogHandler() }))
    }

    public var description: String { "TelegramBot(\(base))" }

    /// Ends calls that are under way.
    public func shutdown() async { await fetcher.shutdown() }

    /// Calls a method with a JSON body.
    /// - Parameter timeout: for the whole call; longer than a poll waits.
    func call<Parameters: Encodable & Sendable, Result: Decodable>(
        _ method: String, _ parameters: Parameters, as: Result.Type = Result.self, timeout: Duration = .seconds(30)
    ) async throws -> Result {
        let encoder = JSONEncoder()
        encoder.outputFormatting = .withoutEscapingSlashes
        let body: [UInt8]
        do {
            body = [UInt8](try encoder.encode(parameters))
        } catch {
            throw TelegramError(.badRequest, method: method, "the parameters cannot be encoded as JSON")
        }
        return try await exchange(method, contentType: "application/json", body: body, timeout: timeout)
    }

    /// Calls a method with a form, for uploads.
    func upload<Result: Decodable>(_ method: String, _ form: MultipartForm) async throws -> Result {
        try await exchange(method, contentType: form.contentType, body: form.encoded(), timeout: .seconds(120))
    }

    private func exchange<Result: Decodable>(_ method: String, contentType: String, body: [UInt8], timeout: Duration) async throws -> Result {
        var request = FetchRequest(url: "\(base)/bot\(token)/\(method)", method: .post, body: body)
        request.headers.add(name: "Content-Type", value: contentType)
        request.limits = FetchLimits(total: timeout, connect: .seconds(10), bodyBytes: 16 << 20, redirects: 0)
        let response: FetchResponse
        do {
            response = if let carrier { try await carrier(request) } else { try await fetcher.fetch(request) }
        } catch let error as FetchError {
            if error.code == .cancelled { throw CancellationError() }
            // Only the kind of the fault: an address in the message would hold the token.
            throw TelegramError(.network, method: method, "no answer (\(error.code))")
        }
        return try read(response, of: method)
    }

    private func read<Result: Decodable>(_ response: FetchResponse, of method: String) throws -> Result {
        let answer = try? JSONDecoder().decode(Answer<Result>.self, from: Data(response.body))
        if let result = answer?.result, answer?.ok == true { return result }
        guard let answer = try? JSONDecoder().decode(Answer<Ignored>.self, from: Data(response.body)), !(answer.ok && response.status >= 300) else {
            // A proxy's page, or a shape we do not know.
            let code: TelegramError.Code = response.status >= 500 ? .unavailable : .badResponse
            throw TelegramError(code, method: method, "status \(response.status) without an answer of the Bot API")
        }
        if answer.ok { throw TelegramError(.unreadableResult, method: method, "the call was answered with ok, but with no result in the known form") }
        throw TelegramError(
            method: method, status: answer.errorCode ?? response.status, description: (answer.description ?? "").replacing(token, with: "<token>"),
            retryAfter: answer.parameters?.retryAfter, migrateToChatID: answer.parameters?.migrateToChatID)
    }

    private struct Answer<Result: Decodable>: Decodable {
        struct Parameters: Decodable {
            var retryAfter: Int?
            var migrateToChatID: Int64?

            enum CodingKeys: String, CodingKey {
                case retryAfter = "retry_after"
                case migrateToChatID = "migrate_to_chat_id"
            }
        }

        var ok: Bool
        var result: Result?
        var errorCode: Int?
        var description: String?
        var parameters: Parameters?

        enum CodingKeys: String, CodingKey {
            case ok, result, description, parameters
            case errorCode = "error_code"
        }
    }
}
