import ArgumentParser
import Foundation
import HTTPFetch
import Hummingbird
import Logging
import ServiceLifecycle

/// A server that speaks Telegram's Bot API, and a page to chat with the bot: for trying a bot without Telegram, and for tests.
@main
struct ChatServer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "chat", abstract: "A local server that speaks Telegram's Bot API, with a chat page in the browser.",
        discussion: "A bot uses it when its base address is http://HOST:PORT. The page is at /, the interface for tests under /control.")

    @Option(help: "The address to listen on.") var host = "127.0.0.1"
    @Option(help: "The port to listen on.") var port = 8081
    @Option(help: "The token of the bot; its calls come to /bot<token>/<method>.") var token: String
    @Option(help: "The name that the bot has in the chats.") var botName = "Bot"
    @Option(help: "A folder to keep the chats in; without it they are gone when the server ends.") var state: String?
    @Option(help: "The bot's user name.") var botUsername = "local_bot"

    func validate() throws {
        guard (1...65_535).contains(port) else { throw ValidationError("--port must be from 1 to 65535.") }
        guard !token.isEmpty, !token.contains("/") else { throw ValidationError("--token must not be empty and must not hold a slash.") }
    }

    func run() async throws {
        let logger = Logger(label: "chat")
        let botID = token.split(separator: ":").first.flatMap { Int64($0) } ?? 1
        let bot = ChatUser(id: botID, isBot: true, firstName: botName, username: botUsername)
        var world = ChatWorld(bot: bot, seed: ChatHub.now)
        let folder = state.map { StateFolder(folder: URL(fileURLWithPath: $0, isDirectory: true)) }
        try folder?.load(into: &world)
        let hub = ChatHub(world: world)
        // What a chat server on this machine fetches lies on this machine: the sample shop's pictures, a webhook under test.
        let fetcher = HTTPFetcher(
            configuration: .init(
                addressPolicy: .anywhere, ports: Set(1...65_535), limits: FetchLimits(total: .seconds(20), bodyBytes: PictureCheck.maximumBytes)),
            logger: logger)
        let routes = ChatRoutes(hub: hub, api: BotAPI(hub: hub, fetcher: fetcher, token: token), control: ControlInterface(hub: hub))
        var application = Application(
            router: routes.router(), configuration: .init(address: .hostname(host, port: port), serverName: "chat"), logger: logger)
        application.addServices(HubService(hub: hub, delivery: WebhookDelivery(hub: hub, fetcher: fetcher, logger: logger)))
        if let folder { application.addServices(StateKeeper(hub: hub, state: folder, logger: logger)) }
        try await application.runService()
        await fetcher.shutdown()
    }
}

/// Delivers to the webhook, and at shutdown ends the calls that wait, which would hold the server for up to a minute.
struct HubService: Service {
    let hub: ChatHub
    let delivery: WebhookDelivery

    func run() async throws {
        // What waits in the hub waits for an event, not for its task's end: it has to be told.
        await cancelWhenGracefulShutdown {
            await withTaskCancellationHandler {
                await delivery.run()
            } onCancel: {
                Task { await hub.close() }
            }
        }
    }
}
