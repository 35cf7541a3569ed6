import ApiumConfiguration
import ApiumCore
import ApiumTelemetry
import ApiumWorker
import Logging
import Metrics

/// Where a worker or a beat of the framework answers `/live`, `/ready` and `/metrics` (`--metrics HOST:PORT`).
struct MetricsEndpoint {
    let host: String
    let port: Int
    private let registry: PrometheusRegistry?
    private let logger: Logger

    /// `nil` when no address is set. Installs a backend for metrics where the program has none: before anything is counted.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` for an address that is none.
    init?(_ settings: ApiumSettings, logger: Logger) throws {
        guard let text = settings.metricsAddress, !text.isEmpty else { return nil }
        (host, port) = try Self.address(text)
        registry = Self.backend(logger)
        self.logger = logger
    }

    /// Host and port of a text; an IPv6 address stands in brackets.
    static func address(_ text: String) throws -> (host: String, port: Int) {
        guard let colon = text.lastIndex(of: ":"), let port = Int(text[text.index(after: colon)...]), (0...65535).contains(port) else {
            throw fault(text, "it has no port")
        }
        var host = text[..<colon]
        if host.hasPrefix("["), host.hasSuffix("]") {
            host = host.dropFirst().dropLast()
        } else if host.contains(":") {
            throw fault(text, "an IPv6 address stands in brackets")
        }
        guard !host.isEmpty else { throw fault(text, "it has no host") }
        return (String(host), port)
    }

    private static func fault(_ text: String, _ why: String) -> ApiumError {
        ApiumError(
            .invalidConfiguration,
            "metrics_address is '\(text.prefix(100))': \(why); HOST:PORT is wanted, such as 127.0.0.1:9464, or 0.0.0.0:9464 for all of this machine's addresses"
        )
    }

    /// The backend that the program has installed if that is Prometheus', else a new one if it has none.
    private static func backend(_ logger: Logger) -> PrometheusRegistry? {
        let installed = MetricsSystem.factory
        if let registry = installed as? PrometheusRegistry { return registry }
        guard installed is NOOPMetricsHandler else {
            logger.warning("the program has a backend of its own for metrics: /metrics is not there")
            return nil
        }
        let registry = PrometheusRegistry()
        MetricsSystem.bootstrap(registry)
        return registry
    }

    /// What tells of a worker: ready when it is connected, claims, and is not stopping.
    func server(of worker: Worker) -> HealthServer {
        let part = HealthPart("worker") { if let reason = worker.health.reason { throw NotReady(description: reason) } }
        return HealthServer(host: host, port: port, parts: [part], metrics: registry, logger: logger, collect: worker.collectMetrics)
    }

    /// What tells of a process that only needs the broker.
    func server(on broker: any Broker) -> HealthServer {
        HealthServer(host: host, port: port, parts: [HealthPart("broker") { _ = try await broker.serverTime() }], metrics: registry, logger: logger)
    }
}

/// Why a part is not ready.
private struct NotReady: Error, CustomStringConvertible { var description: String }
