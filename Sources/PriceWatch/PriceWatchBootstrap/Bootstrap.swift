@_exported import ApiumTelemetry
import FoundationEssentials
import Glibc
import Logging
import ServiceLifecycle

/// What every process of PriceWatch begins with: settings read, logs, metrics and spans set up.
///
/// ```swift
/// @main enum WorkerProcess {
///     static func main() async {
///         await Bootstrap.main("worker") { process in
///             var settings = process.settings
///             let interval = settings.seconds(.checkInterval, in: 1...604_800)
///             let health = settings.health(port: .workerHealthPort)
///             try settings.check()
///             return [worker] + process.healthServices(health, parts: [HealthPart("redis") { try await redis.ping() }])
///         }
///     }
/// }
/// ```
public struct Bootstrap: Sendable {
    /// The process' name, which stands in its log lines.
    public let name: String
    /// The settings; a copy is read, and its ``Settings/check()`` called, before anything starts.
    public let settings: Settings
    /// The process' logger.
    public let logger: Logger
    /// What `/metrics` shows.
    public let metrics: PrometheusRegistry

    /// Reads the settings and installs the backends of logs, metrics and spans. Once per process.
    ///
    /// - Parameter metadata: what else stands on every log line: `.currentJob` in processes that run jobs.
    /// - Throws: ``SettingsError`` for a damaged file, `LOG_LEVEL`, `LOG_FORMAT` or `LOG_SPANS`.
    public static func prepare(
        _ name: String, settings given: Settings? = nil, metadata: [Logger.MetadataProvider] = []
    ) throws(SettingsError) -> Bootstrap {
        let settings: Settings
        if let given { settings = given } else { settings = try Settings.load() }
        var reader = settings
        let level = reader.choice(.logLevel, as: Logger.Level.self, otherwise: .info)
        let format = reader.choice(.logFormat, as: LogFormat.self, otherwise: .text)
        let spans = reader.number(.logSpans, in: 0...1)
        try reader.check()
        let telemetry = Telemetry.bootstrap(
            TelemetryConfiguration(format: format, level: level, spans: spans), metadata: metadata, describing: MetricDescription.priceWatch)
        let logger = Logger(label: name)
        for suspicion in settings.suspicions { logger.warning("\(suspicion)") }
        return Bootstrap(name: name, settings: settings, logger: logger, metrics: telemetry.metrics)
    }

    /// Runs services until SIGTERM or SIGINT; see ``ServiceRunner``.
    public func run(_ services: [any Service], gracePeriod: Duration = .seconds(30)) async throws {
        try await ServiceRunner(services: services, gracePeriod: gracePeriod, logger: logger).run()
    }

    /// The health server as a list to add to the services: empty when its port is 0.
    ///
    /// - Parameter collect: called before metrics are shown.
    public func healthServices(
        _ health: HealthSettings, parts: [HealthPart], collect: @escaping @Sendable () async -> Void = {}
    ) -> [any Service] {
        guard let port = health.port else { return [] }
        return [HealthServer(host: health.host, port: port, parts: parts, metrics: metrics, logger: logger, collect: collect)]
    }

    /// A whole `main`: prepares, asks for the services, runs them, and ends the process with 0, with 78 (EX_CONFIG) for
    /// settings that cannot be used, or with 1 for a service that failed; the reason stands on standard error.
    public static func main(
        _ name: String, gracePeriod: Duration = .seconds(30), metadata: [Logger.MetadataProvider] = [],
        services: (Bootstrap) async throws -> [any Service]
    ) async {
        do {
            let process = try prepare(name, metadata: metadata)
            try await process.run(try await services(process), gracePeriod: gracePeriod)
        } catch let error as SettingsError {
            LineLogHandler.standardError("\(name): \(error.description)\n")
            exit(78)
        } catch {
            LineLogHandler.standardError("\(name): \(error)\n")
            exit(1)
        }
    }
}

/// Where a process' health server listens.
public struct HealthSettings: Sendable, Hashable {
    /// The address.
    public var host: String
    /// The port; `nil`: off.
    public var port: Int?
}

extension Settings {
    /// The health server's address and the port of one process.
    public mutating func health(port setting: Setting) -> HealthSettings {
        HealthSettings(host: string(.healthHost), port: optionalPort(setting))
    }
}
