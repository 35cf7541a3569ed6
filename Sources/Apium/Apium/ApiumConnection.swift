import ApiumCore
import ApiumRedis
import Logging
import RedisClient

/// Open connections to a broker and a result backend, and the client that works on them.
public struct ApiumConnection: Sendable {
    /// Enqueues jobs and reads results. How it writes messages may be changed.
    public var client: ApiumClient
    /// The broker.
    public let broker: RedisBroker
    /// The result backend.
    public let results: RedisResults
    /// Whether both are one server and database: a job's end and its result are then one step.
    public let resultsAreOnBroker: Bool
    /// The result backend's URL with the password masked.
    public let backendURL: String

    /// Opens connections lazily: nothing is reached for before the first call.
    public init(
        broker brokerConfiguration: RedisConfiguration, results resultConfiguration: RedisConfiguration, router: Router = Router(),
        options: RedisBrokerOptions = RedisBrokerOptions(), logger: Logger
    ) {
        let unchecked = [brokerConfiguration, resultConfiguration].filter(\.trustsAnyServer).map(\.description)
        for address in Set(unchecked).sorted() {
            logger.warning(
                "ssl_cert_reqs=none: the server's certificate is not checked; whoever stands between can read and change everything",
                metadata: ["address": "\(address)"])
        }
        backendURL = "\(resultConfiguration)"
        results = RedisResults(resultConfiguration, options: options.results, logger: logger)
        resultsAreOnBroker = brokerConfiguration.address == resultConfiguration.address && brokerConfiguration.database == resultConfiguration.database
        broker = RedisBroker(brokerConfiguration, options: options, results: resultsAreOnBroker ? nil : results, logger: logger)
        client = ApiumClient(broker: broker, results: results, router: router)
    }

    /// Opens connections to the servers of these URLs, lazily.
    ///
    /// - Parameters:
    ///   - broker: Celery's broker URL, `redis://…`.
    ///   - backend: the result backend's URL; `nil`: the broker's.
    /// - Throws: ``ApiumError`` `invalidConfiguration`, naming what is wrong with a URL.
    public init(broker: String, backend: String? = nil, router: Router = Router(), options: RedisBrokerOptions = RedisBrokerOptions(), logger: Logger) throws {
        let brokerConfiguration = try Self.configuration(broker, of: "broker")
        let resultConfiguration = try backend.map { try Self.configuration($0, of: "result backend") } ?? brokerConfiguration
        self.init(broker: brokerConfiguration, results: resultConfiguration, router: router, options: options, logger: logger)
    }

    private static func configuration(_ url: String, of part: String) throws -> RedisConfiguration {
        do {
            return try RedisConfiguration(url: url)
        } catch {
            throw ApiumError(.invalidConfiguration, "the URL of the \(part) cannot be used", underlying: error)
        }
    }

    /// Closes everything.
    public func shutdown() async {
        await results.shutdown()
        await broker.shutdown()
    }
}
