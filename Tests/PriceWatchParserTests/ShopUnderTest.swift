import Hummingbird
import Logging
import PriceWatchModel
import ServiceLifecycle
import Synchronization

@testable import PriceWatchParser
@testable import PriceWatchParserClient
@testable import SampleShop

/// The sample shop, the parser's gRPC server and a client of it, all on free loopback ports.
struct ShopUnderTest: Sendable {
    let shelf: Shelf
    let shop: String
    let client: GRPCProductParser
    let parserPort: Int

    func link(_ id: String) -> String { shop + (shelf.product(id)?.path ?? "/nowhere") }

    /// Starts all three, runs the body, and ends them.
    static func run<Value: Sendable>(
        allowing isShopAllowed: Bool = true, _ change: (inout ParserConfiguration) -> Void = { _ in },
        _ body: @Sendable @escaping (ShopUnderTest) async throws -> Value
    ) async throws -> Value {
        var logger = Logger(label: "test")
        logger.logLevel = .error
        let shelf = try Shelf(file: nil)
        let (ports, announce) = AsyncStream.makeStream(of: Int.self)
        let application = Application(
            router: ShopRoutes(shelf: shelf).router(), configuration: .init(address: .hostname("127.0.0.1", port: 0)),
            onServerRunning: { announce.yield($0.localAddress?.port ?? 0) }, logger: logger)
        var ending = ServiceGroupConfiguration(services: [application], logger: logger)
        // A page that a fault delays does not hold up the end of its test.
        ending.maximumGracefulShutdownDuration = .seconds(1)
        let group = ServiceGroup(configuration: ending)
        let shopTask = Task { try await group.run() }
        var shopPort = 0
        for await port in ports {
            shopPort = port
            break
        }
        var configuration = ParserConfiguration(
            allowedHosts: isShopAllowed ? ["127.0.0.1:\(shopPort)"] : [], wildberriesCardURL: "http://127.0.0.1:\(shopPort)",
            wildberriesHosts: ["127.0.0.1:\(shopPort)"])
        change(&configuration)
        let server = try ParserServer(host: "127.0.0.1", port: 0, configuration: configuration, logger: logger)
        var parserEnding = ServiceGroupConfiguration(services: [server], logger: logger)
        parserEnding.maximumGracefulShutdownDuration = .seconds(1)
        let parserGroup = ServiceGroup(configuration: parserEnding)
        let serverTask = Task { try await parserGroup.run() }
        let parserPort = try await server.port
        let client = try GRPCProductParser(host: "127.0.0.1", port: parserPort, logger: logger)
        let clientGroup = ServiceGroup(configuration: ServiceGroupConfiguration(services: [client], logger: logger))
        let clientTask = Task { try await clientGroup.run() }
        let result: Result<Value, any Error>
        do {
            result = .success(try await body(ShopUnderTest(shelf: shelf, shop: "http://127.0.0.1:\(shopPort)", client: client, parserPort: parserPort)))
        } catch {
            result = .failure(error)
        }
        // Ended as the processes end them: cancelled servers and clients drop connections that are open and not yet taken up, and NIO traps on such.
        for (group, task) in [(clientGroup, clientTask), (parserGroup, serverTask), (group, shopTask)] {
            await group.triggerGracefulShutdown()
            _ = await task.result
        }
        return try result.get()
    }

    /// `1299.00 RUB in_stock json-ld`, or the failure's word.
    func brief(_ link: String, within deadline: Duration = .seconds(20)) async -> String {
        do {
            let page = try await client.parse(link, within: deadline)
            return "\(page.price.decimalText) \(page.price.currency) \(page.availability.rawValue) \(page.source)"
        } catch {
            return error.failure.rawValue
        }
    }
}
