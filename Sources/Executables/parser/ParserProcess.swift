import PriceWatchBootstrap
import PriceWatchParser

/// The parser process: a gRPC server that fetches and reads product pages.
@main
enum ParserProcess {
    static func main() async {
        await Bootstrap.main("parser") { @Sendable process in
            var settings = process.settings
            let address = settings.address(.parserAddress)
            let card = settings.url(.wildberriesCardURL, schemes: ["https", "http"]).reveal()
            let configuration = ParserConfiguration(
                allowedHosts: settings.list(.parserAllowedHosts), wildberriesCardURL: card, wildberriesHosts: Set(settings.list(.wildberriesHosts)))
            let health = settings.health(port: .parserHealthPort)
            do {
                _ = try configuration.fetching()
            } catch {
                settings.refuse(.parserAllowedHosts, "\(error)")
            }
            try settings.check()
            let server = try ParserServer(host: address.host, port: address.port, configuration: configuration, logger: process.logger)
            let serving = HealthPart("grpc") { if !server.isServing { throw NotServing() } }
            return [server] + process.healthServices(health, parts: [serving])
        }
    }

    private struct NotServing: Error {}
}
