import ApiumOutbox
import Logging
import PostgresClient
import PriceWatchModel

/// PriceWatch's database: one client, and the ports of the model that stand on it.
public struct PriceWatchDatabase: Sendable {
    /// The client, for what has no port.
    public let client: PostgresClient
    /// Where notifications become jobs; its router says to which queue. Default: the one of the job's type.
    public var outbox = Outbox()

    /// Starts to connect in the background to a `postgres://` URL or a libpq connection string.
    ///
    /// - Parameters:
    ///   - leases: How many transactions may run at a time. Default 8.
    ///   - statementTimeout: The longest that one statement may run. Default 30 s; migrations want more.
    /// - Throws: `PostgresError` with code `configuration`.
    public init(url: String, leases: Int = 8, statementTimeout: Duration = .seconds(30), logger: Logger) throws {
        var configuration = try PostgresClientConfiguration(url)
        configuration.leasedConnections = leases
        configuration.statementTimeout = statementTimeout
        client = try PostgresClient(configuration: configuration, logger: logger)
    }

    /// Stands on a client that somebody else shuts down.
    public init(client: PostgresClient) { self.client = client }

    /// What the jobs change, with the default rules.
    public var prices: PostgresPriceStore { prices() }

    /// What the jobs change, with a deployment's rules.
    public func prices(intervals: CheckIntervals = CheckIntervals(), backoff: CheckBackoff = CheckBackoff()) -> PostgresPriceStore {
        PostgresPriceStore(client: client, outbox: outbox, intervals: intervals, backoff: backoff)
    }

    /// What the API reads.
    public var reader: PostgresPriceReader { PostgresPriceReader(client: client) }
    /// The API's tokens.
    public var tokens: PostgresAPITokenStore { PostgresAPITokenStore(client: client) }
    /// The admin's tables.
    public var adminTables: PostgresAdminTables { adminTables() }

    /// The admin's tables, with a deployment's rules.
    public func adminTables(intervals: CheckIntervals = CheckIntervals()) -> PostgresAdminTables {
        PostgresAdminTables(prices: prices(intervals: intervals))
    }

    /// The admin's accounts.
    public var adminAccounts: PostgresAdminAccounts { PostgresAdminAccounts(client: client) }
    /// The admin's sessions.
    public var adminSessions: PostgresAdminSessions { PostgresAdminSessions(client: client) }

    /// The schema's migrations.
    public func migrator() throws -> Migrator { try Migrator(client: client) }

    /// Asks the server for one row; for health checks.
    public func ping() async throws { try await client.query("select 1") }

    /// Closes the connections once what is under way has ended.
    public func shutdown() async { await client.shutdown() }
}
