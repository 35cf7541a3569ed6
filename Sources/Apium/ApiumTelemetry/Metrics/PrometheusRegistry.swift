import CoreMetrics
import Synchronization

/// A swift-metrics backend that keeps values in memory and writes them in Prometheus' text format.
///
/// Counters get the suffix `_total`, timers `_seconds` and the unit second. Names and labels are cleaned; a family holds
/// at most ``Limits/seriesPerFamily`` label sets: later ones are counted together in a series with the label
/// `overflow="true"`, so that a label with unbounded values cannot fill the memory.
public final class PrometheusRegistry: MetricsFactory {
    /// What keeps the memory bounded.
    public struct Limits: Sendable {
        /// How many label sets one name may have. Default: 500.
        public var seriesPerFamily: Int
        /// How many names there may be; later ones are not kept. Default: 1000.
        public var families: Int

        /// Makes limits.
        public init(seriesPerFamily: Int = 500, families: Int = 1000) {
            self.seriesPerFamily = seriesPerFamily
            self.families = families
        }
    }

    /// Bucket bounds of timers, in seconds: from a cache hit to a job that waited for an hour.
    public static let timerBuckets: [Double] = [
        0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600,
    ]
    /// Bucket bounds of recorders: counts and sizes.
    public static let recorderBuckets: [Double] = [1, 2, 5, 10, 25, 50, 100, 250, 500, 1_000, 5_000, 10_000, 50_000, 100_000, 1_000_000, 10_000_000]

    private enum Kind: String {
        case counter, gauge, histogram
    }

    private struct Family {
        var kind: Kind
        var series: [String: any PrometheusSeries] = [:]
    }

    private let limits: Limits
    private let help: [String: String]
    private let families = Mutex<[String: Family]>([:])

    /// Makes an empty registry.
    ///
    /// - Parameter descriptions: what is said of metrics beside those of Apium, which are described anyway.
    public init(limits: Limits = Limits(), describing descriptions: [MetricDescription] = []) {
        self.limits = limits
        help = Dictionary((MetricDescription.apium + descriptions).map { ($0.name, $0.help) }) { $1 }
    }

    // MARK: MetricsFactory

    /// Makes or finds a counter; its name ends in `_total`.
    public func makeCounter(label: String, dimensions: [(String, String)]) -> any CounterHandler {
        series(Self.suffixed(label, "_total"), .counter, dimensions) { CounterSeries() }
    }

    /// Makes or finds a counter of fractions; its name ends in `_total`.
    public func makeFloatingPointCounter(label: String, dimensions: [(String, String)]) -> any FloatingPointCounterHandler {
        series(Self.suffixed(label, "_total"), .counter, dimensions) { CounterSeries() }
    }

    /// Makes or finds a gauge.
    public func makeMeter(label: String, dimensions: [(String, String)]) -> any MeterHandler {
        series(PrometheusText.name(label), .gauge, dimensions) { GaugeSeries() }
    }

    /// Makes or finds a histogram, or a gauge for what does not aggregate.
    public func makeRecorder(label: String, dimensions: [(String, String)], aggregate: Bool) -> any RecorderHandler {
        if aggregate { return series(PrometheusText.name(label), .histogram, dimensions) { HistogramSeries(bounds: Self.recorderBuckets) } }
        return series(PrometheusText.name(label), .gauge, dimensions) { GaugeSeries() }
    }

    /// Makes or finds a histogram of seconds; its name ends in `_seconds`.
    public func makeTimer(label: String, dimensions: [(String, String)]) -> any TimerHandler {
        series(Self.suffixed(label, "_seconds"), .histogram, dimensions) { HistogramSeries(bounds: Self.timerBuckets) }
    }

    /// Takes a counter out of the exposition.
    public func destroyCounter(_ handler: any CounterHandler) { remove(handler) }
    /// Takes a counter out of the exposition.
    public func destroyFloatingPointCounter(_ handler: any FloatingPointCounterHandler) { remove(handler) }
    /// Takes a gauge out of the exposition.
    public func destroyMeter(_ handler: any MeterHandler) { remove(handler) }
    /// Takes a histogram or gauge out of the exposition.
    public func destroyRecorder(_ handler: any RecorderHandler) { remove(handler) }
    /// Takes a histogram out of the exposition.
    public func destroyTimer(_ handler: any TimerHandler) { remove(handler) }

    // MARK: Exposition

    /// All families as text, sorted by name.
    public func exposition() -> String {
        let families = families.withLock { $0 }
        var text = ""
        for (name, family) in families.sorted(by: { $0.key < $1.key }) where !family.series.isEmpty {
            if let help = help[name] { text += PrometheusText.help(name, help) }
            text += "# TYPE \(name) \(family.kind.rawValue)\n"
            for (labels, series) in family.series.sorted(by: { $0.key < $1.key }) { series.write(name: name, labels: labels, to: &text) }
        }
        return text + ProcessMetrics.exposition()
    }

    /// The media type of ``exposition()``.
    public static var contentType: String { PrometheusText.contentType }

    // MARK: Families

    private static func suffixed(_ label: String, _ suffix: String) -> String {
        let name = PrometheusText.name(label)
        return name.hasSuffix(suffix) ? name : name + suffix
    }

    /// The series of a name and label set, made where missing. A name that another kind has already is used under a
    /// name of its own, because one name with two kinds is refused by Prometheus.
    private func series<Series: PrometheusSeries>(_ name: String, _ kind: Kind, _ dimensions: [(String, String)], make: () -> Series) -> Series {
        let labels = PrometheusText.labels(dimensions)
        return families.withLock { families in
            var name = name
            if let family = families[name], family.kind != kind { name += "_" + kind.rawValue }
            guard families[name] != nil || families.count < limits.families else { return make() }
            var family = families[name] ?? Family(kind: kind)
            guard family.kind == kind else { return make() }
            let key = family.series[labels] == nil && family.series.count >= limits.seriesPerFamily ? "overflow=\"true\"" : labels
            if let known = family.series[key] as? Series { return known }
            let made = make()
            family.series[key] = made
            families[name] = family
            return made
        }
    }

    private func remove(_ handler: AnyObject) {
        families.withLock { families in
            for (name, family) in families {
                guard let labels = family.series.first(where: { $0.value === handler })?.key else { continue }
                families[name]?.series[labels] = nil
                return
            }
        }
    }
}
