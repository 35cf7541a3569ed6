import Logging
import Metrics
import Tracing

/// What a process tells of itself: log lines, metrics and, if wanted, spans.
///
/// ```swift
/// let telemetry = Telemetry.bootstrap(try TelemetryConfiguration(environment: ProcessInfo.processInfo.environment), metadata: [.currentJob])
/// let logger = Logger(label: "worker")
/// ```
public struct Telemetry: Sendable {
    /// What `/metrics` shows.
    public let metrics: PrometheusRegistry

    /// Installs the backends of swift-log, swift-metrics and swift-distributed-tracing. Once per process, before anything logs.
    ///
    /// - Parameters:
    ///   - metadata: what else stands on every line: `.currentJob` of `ApiumCore` in processes that run jobs. The ids of trace and span are there
    ///     wherever there is a span.
    ///   - descriptions: what is said of the program's own metrics.
    @discardableResult
    public static func bootstrap(
        _ configuration: TelemetryConfiguration = TelemetryConfiguration(), metadata: [Logger.MetadataProvider] = [],
        describing descriptions: [MetricDescription] = []
    ) -> Telemetry {
        let (format, level) = (configuration.format, configuration.level)
        let tracer = configuration.spans > 0 ? SpanLogTracer(ratio: configuration.spans) : nil
        let providers = metadata + (tracer == nil ? [] : [.currentSpan])
        LoggingSystem.bootstrap(
            { label, provider in LineLogHandler(label: label, format: format, level: level, metadataProvider: provider) },
            metadataProvider: providers.isEmpty ? nil : .multiplex(providers))
        if let tracer { InstrumentationSystem.bootstrap(tracer) }
        let metrics = PrometheusRegistry(describing: descriptions)
        MetricsSystem.bootstrap(metrics)
        return Telemetry(metrics: metrics)
    }
}

/// How a process tells of itself.
public struct TelemetryConfiguration: Sendable, Hashable {
    /// How log lines look. Default: for people.
    public var format: LogFormat
    /// The least that is written. Default: `info`.
    public var level: Logger.Level
    /// The share of traces that begin here whose spans are written to the log, from 0 to 1; of traces that come from elsewhere their sender has
    /// decided. Default: 0, and nothing is traced at all.
    public var spans: Double

    /// Makes a configuration.
    public init(format: LogFormat = .text, level: Logger.Level = .info, spans: Double = 0) {
        self.format = format
        self.level = level
        self.spans = spans
    }

    /// Reads `LOG_FORMAT`, `LOG_LEVEL` and `LOG_SPANS`; what is not set has its default.
    ///
    /// - Throws: ``TelemetryFault`` that names every value that cannot be used.
    public init(environment: [String: String]) throws {
        self.init()
        var faults: [String] = []
        if let text = environment["LOG_FORMAT"], !text.isEmpty {
            if let known = LogFormat(rawValue: text) { format = known } else { faults.append("LOG_FORMAT is '\(text.prefix(100))'; text or json") }
        }
        if let text = environment["LOG_LEVEL"], !text.isEmpty {
            let names = Logger.Level.allCases.map(\.rawValue).joined(separator: ", ")
            if let known = Logger.Level(rawValue: text) { level = known } else { faults.append("LOG_LEVEL is '\(text.prefix(100))'; one of \(names)") }
        }
        if let text = environment["LOG_SPANS"], !text.isEmpty {
            if let share = Double(text), (0...1).contains(share) {
                spans = share
            } else {
                faults.append("LOG_SPANS is '\(text.prefix(100))'; a number from 0 to 1")
            }
        }
        guard faults.isEmpty else { throw TelemetryFault(description: faults.joined(separator: "; ")) }
    }
}

/// What is wrong with a ``TelemetryConfiguration``.
public struct TelemetryFault: Error, Sendable, Hashable, CustomStringConvertible {
    /// Every fault, in one line.
    public var description: String
}
