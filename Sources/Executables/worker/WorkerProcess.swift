import Apium
import ApiumCLI
import ApiumOutbox
import ApiumSigning
import ApiumWorker
import PriceWatchBootstrap
import PriceWatchJobs
import PriceWatchModel
import PriceWatchParserClient
import PriceWatchStore
import RedisTLS
import ServiceLifecycle

/// PriceWatch's worker: the framework's `worker` with the jobs of `Jobs/` and the adapters they work with.
@main
struct WorkerProcess {
    static func main() async {
        MessageSigning.enable()
        RedisTLS.enable()
        await WorkerCommand<PriceWatchWorker>.main()
    }
}

/// What the worker subcommand needs of PriceWatch.
struct PriceWatchWorker: WorkerApplication {
    let setup: ProcessSetup
    let defaultQueues = Queues.served
    private let process: Bootstrap
    private let rules: PriceWatchServices.Rules
    private let backoff: CheckBackoff
    private let shopLimit: Limit?
    private let health: HealthSettings
    private let database: ConnectionURL
    private let parser: (host: String, port: Int)

    init() throws {
        process = try Bootstrap.prepare("worker", metadata: [.currentJob])
        var settings = process.settings
        let interval = settings.between(.checkInterval, minimum: .checkIntervalMinimum, maximum: .checkIntervalMaximum, in: 1...31_536_000)
        rules = PriceWatchServices.Rules(
            intervals: CheckIntervals(standard: interval.value, minimum: interval.minimum, maximum: interval.maximum),
            watchesPerUser: settings.integer(.watchesPerUser, in: 1...100_000), historyDays: settings.integer(.historyDays, in: 1...36_500),
            sentDays: settings.integer(.sentDays, in: 1...36_500))
        backoff = CheckBackoff(
            failuresUntilTold: settings.integer(.failuresUntilTold, in: 1...1_000), failuresUntilPaused: settings.integer(.failuresUntilPaused, in: 1...1_000))
        let concurrency = settings.integer(.shopConcurrency, in: 0...10_000)
        do {
            shopLimit = try ShopLimit.limit(rate: settings.string(.shopRate), concurrency: concurrency)
        } catch {
            shopLimit = nil
            settings.refuse(.shopRate, "is no rate; N/s, N/m or N/h, or 0")
        }
        health = settings.health(port: .workerHealthPort)
        database = settings.url(.databaseURL, schemes: ["postgres", "postgresql"])
        parser = settings.address(.parserAddress)
        _ = settings.integer(.workerConcurrency, in: 1...10_000)
        try settings.check()
        setup = ProcessSetup(logger: process.logger, environment: settings.given, environmentFile: nil)
    }

    func prepare(_ connection: ApiumConnection) async throws -> PreparedWorker {
        var database = try PriceWatchDatabase(url: database.reveal(), logger: process.logger)
        database.outbox = Outbox(router: connection.client.router, format: connection.client.format)
        let relay = OutboxRelay(from: database.client, to: connection.broker, logger: process.logger)
        let parser = try GRPCProductParser(host: parser.host, port: parser.port, logger: process.logger)
        var registry = JobRegistry()
        let store = database.prices(intervals: rules.intervals, backoff: backoff)
        registry.registerPriceWatchJobs(using: PriceWatchServices(store: store, parser: parser, rules: rules))
        return PreparedWorker(
            registry: registry,
            services: [
                DatabaseService(database: database), parser, relay, ShopLimit(limit: shopLimit, client: connection.client, logger: process.logger),
            ]
        ) { [process, health, database] worker in
            process.healthServices(
                health,
                parts: [
                    HealthPart("queues") { if let reason = worker.health.reason { throw NotReady(reason: reason) } },
                    HealthPart("postgres") { try await database.ping() },
                ], collect: worker.collectMetrics)
        }
    }
}

/// Keeps the database open for as long as the jobs run, and closes it after them.
private struct DatabaseService: Service {
    let database: PriceWatchDatabase

    func run() async throws {
        try? await gracefulShutdown()
        await database.shutdown()
    }
}

/// Why a part is not ready.
private struct NotReady: Error, CustomStringConvertible {
    let reason: String
    var description: String { reason }
}
