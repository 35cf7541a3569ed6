import CoreMetrics
import Synchronization

/// One series of a family: where a handler's values go and how they are written.
protocol PrometheusSeries: AnyObject, Sendable {
    /// Appends this series' samples.
    func write(name: String, labels: String, to text: inout String)
}

/// A number that only grows, until ``reset()``.
final class CounterSeries: PrometheusSeries, CounterHandler, FloatingPointCounterHandler {
    private let value = Mutex(0.0)
    private let whole = Mutex<Int64>(0)

    func increment(by amount: Int64) {
        guard amount > 0 else { return }
        whole.withLock { $0 = $0.addingReportingOverflow(amount).overflow ? amount : $0 + amount }
    }

    func increment(by amount: Double) {
        guard amount > 0, amount.isFinite else { return }
        value.withLock { $0 += amount }
    }

    func reset() {
        whole.withLock { $0 = 0 }
        value.withLock { $0 = 0 }
    }

    func write(name: String, labels: String, to text: inout String) {
        let fraction = value.withLock { $0 }
        let count = whole.withLock { $0 }
        text += PrometheusText.sample(name, labels, "", fraction == 0 ? String(count) : PrometheusText.number(Double(count) + fraction))
    }
}

/// A number that goes up and down; also swift-metrics' `Gauge`, which is a recorder that does not aggregate.
final class GaugeSeries: PrometheusSeries, MeterHandler, RecorderHandler {
    private let value = Mutex(0.0)

    func set(_ value: Int64) { set(Double(value)) }
    func set(_ value: Double) { self.value.withLock { $0 = value } }
    func increment(by amount: Double) { value.withLock { $0 += amount } }
    func decrement(by amount: Double) { value.withLock { $0 -= amount } }
    func record(_ value: Int64) { set(value) }
    func record(_ value: Double) { set(value) }

    func write(name: String, labels: String, to text: inout String) {
        text += PrometheusText.sample(name, labels, "", PrometheusText.number(value.withLock { $0 }))
    }
}

/// A distribution over fixed buckets.
final class HistogramSeries: PrometheusSeries, RecorderHandler, TimerHandler {
    /// Upper bounds, growing; the last bucket, +Inf, is not in it.
    private let bounds: [Double]
    private let state: Mutex<State>

    private struct State {
        /// How many values fell into each bucket alone; the sums that Prometheus wants are made when written.
        var counts: [UInt64]
        var sum = 0.0
    }

    init(bounds: [Double]) {
        self.bounds = bounds
        state = Mutex(State(counts: Array(repeating: 0, count: bounds.count + 1)))
    }

    func record(_ value: Int64) { record(Double(value)) }

    func record(_ value: Double) {
        guard value.isFinite else { return }
        let bucket = bounds.firstIndex { value <= $0 } ?? bounds.count
        state.withLock {
            $0.counts[bucket] += 1
            $0.sum += value
        }
    }

    func recordNanoseconds(_ duration: Int64) { record(Double(duration) / 1e9) }

    func write(name: String, labels: String, to text: inout String) {
        let state = state.withLock { $0 }
        var total: UInt64 = 0
        for (index, count) in state.counts.enumerated() {
            total += count
            let bound = index < bounds.count ? PrometheusText.number(bounds[index]) : "+Inf"
            text += PrometheusText.sample(name + "_bucket", labels, "le=\"\(bound)\"", String(total))
        }
        text += PrometheusText.sample(name + "_sum", labels, "", PrometheusText.number(state.sum))
        text += PrometheusText.sample(name + "_count", labels, "", String(total))
    }
}
