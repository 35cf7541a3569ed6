import CoreMetrics
import Testing

@testable import ApiumTelemetry

@Suite("Prometheus backend")
struct PrometheusTests {
    private func lines(_ registry: PrometheusRegistry) -> [String] {
        registry.exposition().split(separator: "\n").map(String.init).filter { !$0.contains("process_") }
    }

    @Test("counters, meters and gauges are written with their type, sorted")
    func numbers() {
        let registry = PrometheusRegistry()
        Counter(label: "jobs.done", dimensions: [("queue", "b"), ("name", "x")], factory: registry).increment(by: 3)
        Counter(label: "jobs.done", dimensions: [("name", "x"), ("queue", "b")], factory: registry).increment()
        Counter(label: "jobs.done", dimensions: [("queue", "a")], factory: registry).increment()
        FloatingPointCounter(label: "seconds", factory: registry).increment(by: 0.5)
        Meter(label: "depth", factory: registry).set(7)
        Gauge(label: "gauge", factory: registry).record(1.5)
        #expect(
            lines(registry) == [
                "# TYPE depth gauge", "depth 7", "# TYPE gauge gauge", "gauge 1.5", "# TYPE jobs_done_total counter",
                "jobs_done_total{name=\"x\",queue=\"b\"} 4", "jobs_done_total{queue=\"a\"} 1", "# TYPE seconds_total counter", "seconds_total 0.5",
            ])
    }

    @Test("metrics that are described have their HELP line, and no description can end it")
    func help() {
        let registry = PrometheusRegistry(describing: [MetricDescription("mine_total", "a\\b\nc")])
        Counter(label: "mine", factory: registry).increment()
        Gauge(label: "apium_workers", factory: registry).record(2)
        #expect(
            lines(registry) == [
                "# HELP apium_workers Registered workers; shown by the worker on duty.", "# TYPE apium_workers gauge", "apium_workers 2",
                #"# HELP mine_total a\\b\nc"#, "# TYPE mine_total counter", "mine_total 1",
            ])
    }

    @Test("a timer is a histogram in seconds whose buckets are sums")
    func timers() {
        let registry = PrometheusRegistry()
        let timer = Timer(label: "http_request_duration", dimensions: [("path", "/")], factory: registry)
        timer.recordMilliseconds(2)
        timer.recordSeconds(4)
        timer.recordSeconds(4000)
        let written = lines(registry)
        #expect(written.contains("http_request_duration_seconds_bucket{path=\"/\",le=\"0.001\"} 0"))
        #expect(written.contains("http_request_duration_seconds_bucket{path=\"/\",le=\"0.0025\"} 1"))
        #expect(written.contains("http_request_duration_seconds_bucket{path=\"/\",le=\"5\"} 2"))
        #expect(written.contains("http_request_duration_seconds_bucket{path=\"/\",le=\"+Inf\"} 3"))
        #expect(written.contains("http_request_duration_seconds_count{path=\"/\"} 3"))
        #expect(written.contains("http_request_duration_seconds_sum{path=\"/\"} 4004.002"))
    }

    @Test("a label value cannot end its quotes or its line, and names are cleaned")
    func escaping() {
        let registry = PrometheusRegistry()
        Counter(label: "1 bad-name", dimensions: [("a-b", "\"} 1\nevil 2\\"), ("le", "x")], factory: registry).increment()
        #expect(lines(registry) == ["# TYPE _1_bad_name_total counter", #"_1_bad_name_total{a_b="\"} 1\nevil 2\\",label_le="x"} 1"#])
    }

    @Test("label sets are bounded: the rest is counted together")
    func cardinality() {
        let registry = PrometheusRegistry(limits: .init(seriesPerFamily: 2, families: 2))
        for id in 1...100 { Counter(label: "hits", dimensions: [("id", String(id))], factory: registry).increment() }
        #expect(lines(registry) == ["# TYPE hits_total counter", "hits_total{id=\"1\"} 1", "hits_total{id=\"2\"} 1", "hits_total{overflow=\"true\"} 98"])
        for name in 1...100 { Meter(label: "m\(name)", factory: registry).set(1) }
        #expect(lines(registry).filter { $0.hasPrefix("#") }.count == 2)
    }

    @Test("one name used for two kinds gives two names")
    func kinds() {
        let registry = PrometheusRegistry()
        Meter(label: "x", factory: registry).set(1)
        Recorder(label: "x", factory: registry).record(3)
        let written = lines(registry)
        #expect(written.contains("# TYPE x gauge") && written.contains("# TYPE x_histogram histogram"))
    }

    @Test("a destroyed series is gone")
    func destroying() {
        let registry = PrometheusRegistry()
        let counter = Counter(label: "x", factory: registry)
        counter.increment()
        counter.destroy()
        #expect(lines(registry) == [])
    }

    @Test("the process itself is described")
    func process() {
        let text = PrometheusRegistry().exposition()
        for name in ["process_cpu_seconds_total", "process_resident_memory_bytes", "process_threads", "process_open_fds"] {
            #expect(text.contains("\n\(name) "))
        }
    }
}
