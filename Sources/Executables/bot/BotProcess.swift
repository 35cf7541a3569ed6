import ApiumConfiguration
import ApiumCore
import ApiumRedis
import ApiumSigning
import ApiumWorker
import Logging
import PriceWatchBootstrap
import PriceWatchBot
import PriceWatchJobs
import RedisTLS
import ServiceLifecycle
import TelegramBotAPI
import WebSocketUpgrade

/// The bot: the conversation in Telegram, over one WebSocket to the API, and the worker of the queue with the notifications.
@main
enum BotProcess {
    static func main() async {
        MessageSigning.enable()
        RedisTLS.enable()
        await Bootstrap.main("bot", metadata: [.currentJob], services: services)
    }

    /// The process as a list in the order of starting.
    @Sendable
    static func services(_ process: Bootstrap) async throws -> [any Service] {
        let settings = try BotSettings(process.settings)
        let logger = process.logger

        let bot = try TelegramBot(token: settings.telegramToken.reveal(), baseAddress: settings.telegramBase, logger: logger)
        let client = try WebSocketClient(
            settings.apiAddress.reveal(), headers: [("Authorization", "Bearer \(settings.serviceToken.reveal())")], logger: logger)
        let api = PriceAPIConnection(client: client, logger: logger)

        let connection = try settings.apium.connect(logger: logger)
        let (broker, results) = (connection.broker, connection.results)
        var apium = connection.client
        apium.origin = "bot"
        var registry = JobRegistry()
        registry.register(Notify.self, using: NotificationSender(bot: bot, api: api, results: results))
        let configuration = settings.apium.workerConfiguration(
            name: "bot@\(HostName.current)", serving: [Queues.notifications], concurrency: 16, resultsAreOnBroker: connection.resultsAreOnBroker)
        let worker = try Worker(
            client: apium, registry: registry.completed(by: settings.apium.jobDefaults), configuration: configuration, logger: logger)

        let parts = [
            HealthPart("redis") { _ = try await broker.serverTime() },
            HealthPart("api") { guard await api.isOpen else { throw NotReady("the WebSocket to the API is not open") } },
            HealthPart("notifications") { guard worker.health.isReady else { throw NotReady(worker.health.reason ?? "not fetching") } },
        ]
        // Ended in reverse order: first no more updates, then no more notifications, and the API's connection last, which both use.
        let closing = Closing {
            await bot.shutdown()
            await connection.shutdown()
        }
        return [closing, api, worker, PriceWatchBot(bot: bot, api: api, logger: logger)]
            + process.healthServices(settings.health, parts: parts, collect: worker.collectMetrics)
    }
}

/// The settings of this process.
struct BotSettings {
    let telegramToken: Secret
    let telegramBase: String
    let serviceToken: Secret
    let apiAddress: ConnectionURL
    /// Where jobs and results are.
    let apium: ApiumSettings
    let health: HealthSettings

    /// - Throws: ``SettingsError`` with every fault.
    init(_ given: Settings) throws {
        var settings = given
        telegramToken = settings.secret(.telegramToken)
        telegramBase = settings.string(.telegramBaseURL)
        serviceToken = settings.secret(.serviceToken, minimumLength: 32)
        apiAddress = settings.url(.apiWebSocketURL, schemes: ["ws"])
        apium = Self.apium(&settings)
        health = settings.health(port: .botHealthPort)
        try settings.check()
    }

    private static func apium(_ settings: inout Settings) -> ApiumSettings {
        do {
            return try SettingsReader(environment: settings.given).load().settings
        } catch {
            settings.refuse(.brokerURL, "\(error)")
            return ApiumSettings()
        }
    }
}

/// Why a part is not ready.
struct NotReady: Error, CustomStringConvertible {
    let description: String
    init(_ reason: String) { description = reason }
}

/// The first service to start and so the last to end: closes what the others used.
struct Closing: Service {
    let close: @Sendable () async -> Void

    init(_ close: @escaping @Sendable () async -> Void) { self.close = close }

    func run() async throws {
        try? await gracefulShutdown()
        await close()
    }
}
