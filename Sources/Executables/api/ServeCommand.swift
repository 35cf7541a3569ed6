import Apium
import ApiumConfiguration
import ApiumInspect
import ApiumSigning
import ArgumentParser
import Logging
import PriceWatchAPI
import PriceWatchAdmin
import PriceWatchBootstrap
import PriceWatchJobs
import PriceWatchModel
import PriceWatchParserClient
import PriceWatchStore
import RedisTLS
import ServiceLifecycle

/// `api serve`: runs until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "serve", abstract: "Serve HTTP, the admin and the bot's WebSocket.")

    func run() async throws {
        MessageSigning.enable()
        RedisTLS.enable()
        await Bootstrap.main("api", services: Self.services)
    }

    /// The process as a list in the order of starting; it ends in reverse order, so that what requests need ends last.
    @Sendable
    static func services(_ process: Bootstrap) async throws -> [any Service] {
        let settings = try ServeSettings(process.settings)
        let logger = process.logger
        let database = try PriceWatchDatabase(url: settings.database.reveal(), logger: logger)
        let apium = try settings.apium.connect(logger: logger)
        let parser = try GRPCProductParser(host: settings.parser.host, port: settings.parser.port, logger: logger)
        let closing = Closing {
            await apium.shutdown()
            await database.shutdown()
        }
        let metrics = process.metrics
        let readiness = [
            ReadinessCheck("redis") { _ = try await apium.broker.serverTime() },
            ReadinessCheck("postgres") { try await database.ping() },
            ReadinessCheck("parser") { guard await parser.isServing(within: .seconds(2)) else { throw ParseFailure.parserUnavailable } },
        ]
        let inspector = Inspector(broker: apium.broker, results: apium.results)
        let services = APIServices(
            reader: database.reader, tokens: database.tokens, apium: apium.client, inspector: inspector, parser: parser, readiness: readiness,
            metrics: { metrics.exposition() })
        let tables = database.adminTables(intervals: settings.intervals)
        let admin = try AdminPanel(services: adminServices(tables, database, apium.client, inspector), publicURL: settings.publicURL)
        let mount = Mount("/admin") { request, context in
            await admin.respond(to: request, address: context.clientAddress(of: request), logger: logger)
        }
        let api = PriceWatchAPI(
            services: services, configuration: APIConfiguration(serviceToken: settings.serviceToken.reveal(), intervals: settings.intervals), mounts: [mount])
        let application = api.application(host: settings.host, port: settings.port, logger: logger)
        let parts = readiness.map { HealthPart($0.name, check: $0.check) }
        return [closing, parser, FirstAdmin(accounts: database.adminAccounts, settings: settings, logger: logger), application]
            + process.healthServices(settings.health, parts: parts)
    }
}

extension ServeCommand {
    /// What the admin works with.
    static func adminServices(
        _ tables: PostgresAdminTables, _ database: PriceWatchDatabase, _ apium: ApiumClient, _ inspector: Inspector
    ) -> AdminServices {
        AdminServices(
            tables: tables, accounts: database.adminAccounts, sessions: database.adminSessions, apium: apium,
            inspector: inspector, queues: Queues.served + [Queues.notifications]
        ) { product in
            try await apium.enqueue(CheckPrice(productID: product))
        }
    }
}

/// The settings of `api serve`.
struct ServeSettings {
    let host: String
    let port: Int
    let serviceToken: Secret
    let database: ConnectionURL
    /// Where jobs and results are.
    let apium: ApiumSettings
    let parser: (host: String, port: Int)
    let publicURL: String
    let adminUser: String
    let adminPassword: Secret?
    /// How often products may be checked: the worker's own settings.
    let intervals: CheckIntervals
    let health: HealthSettings

    /// - Throws: `SettingsError` with every fault.
    init(_ given: Settings) throws {
        var settings = given
        host = settings.string(.apiHost)
        port = settings.port(.apiPort)
        serviceToken = settings.secret(.serviceToken, minimumLength: 32)
        database = settings.url(.databaseURL, schemes: ["postgres", "postgresql"])
        apium = Self.apium(&settings)
        parser = settings.address(.parserAddress)
        publicURL = settings.url(.publicURL, schemes: ["http", "https"]).reveal()
        adminUser = settings.string(.adminUser)
        adminPassword = settings.optionalSecret(.adminPassword, minimumLength: 8)
        let interval = settings.between(.checkInterval, minimum: .checkIntervalMinimum, maximum: .checkIntervalMaximum, in: 1...31_536_000)
        intervals = CheckIntervals(standard: interval.value, minimum: interval.minimum, maximum: interval.maximum)
        health = settings.health(port: .apiHealthPort)
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

/// The first service to start and so the last to end: closes what the others used.
struct Closing: Service {
    let close: @Sendable () async -> Void

    init(_ close: @escaping @Sendable () async -> Void) { self.close = close }

    func run() async throws {
        try? await gracefulShutdown()
        await close()
    }
}

/// Makes the first admin account from the settings when there is none; then rests.
struct FirstAdmin: Service {
    let accounts: any AdminAccounts
    let settings: ServeSettings
    let logger: Logger

    func run() async throws {
        await makeAccount()
        try? await gracefulShutdown()
    }

    /// A database that cannot be reached is tried again, so that the account comes with it.
    private func makeAccount() async {
        guard let password = settings.adminPassword else { return }
        while !Task.isCancelled, !Task.isShuttingDownGracefully {
            do {
                if let account = try await accounts.createFirstAccount(name: settings.adminUser, password: password.reveal()) {
                    logger.notice("The first admin account was made", metadata: ["name": "\(account.name)"])
                }
                return
            } catch {
                logger.warning("The first admin account could not be made; trying again", metadata: ["error": "\(error)"])
                try? await cancelWhenGracefulShutdown { try await Task.sleep(for: .seconds(5)) }
            }
        }
    }
}
