import ArgumentParser
import Hummingbird
import Logging

/// A small shop whose prices anybody may change; every product is marked up in another way.
@main
struct SampleShop: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "sample-shop", abstract: "A shop for trying out PriceWatch: a dozen products in different markup, prices that anybody may change.")

    @Option(help: "The address to listen on.")
    var host = "127.0.0.1"

    @Option(help: "The port to listen on; 0 takes a free one.")
    var port = 8090

    @Option(help: "The file in which prices are kept; without it they begin anew at each start.")
    var data: String?

    func run() async throws {
        let logger = Logger(label: "sample-shop")
        let shelf = try Shelf(file: data)
        let application = Application(
            router: ShopRoutes(shelf: shelf).router(),
            configuration: .init(address: .hostname(host, port: port), serverName: "sample-shop"),
            onServerRunning: { channel in logger.info("shop is open", metadata: ["address": "\(channel.localAddress?.description ?? "")"]) },
            logger: logger)
        try await application.runService()
    }
}
