import FoundationEssentials
import Glibc

/// What Linux says of this process, under the names that Prometheus' own clients use.
enum ProcessMetrics {
    static func exposition() -> String {
        var text = ""
        func add(_ name: String, _ kind: String, _ value: Double?) {
            guard let value else { return }
            text +=
                PrometheusText.help(name, MetricDescription.process[name] ?? name) + "# TYPE \(name) \(kind)\n"
                + PrometheusText.sample(name, "", "", PrometheusText.number(value))
        }
        let fields = statFields()
        let ticks = Double(max(1, sysconf(Int32(_SC_CLK_TCK))))
        add("process_cpu_seconds_total", "counter", zip(fields[11], fields[12]).map { ($0 + $1) / ticks })
        add("process_resident_memory_bytes", "gauge", fields[21].map { $0 * Double(max(1, sysconf(Int32(_SC_PAGESIZE)))) })
        add("process_start_time_seconds", "gauge", startTime(afterBoot: fields[19].map { $0 / ticks }))
        add("process_threads", "gauge", fields[17])
        add("process_open_fds", "gauge", (try? FileManager.default.contentsOfDirectory(atPath: "/proc/self/fd"))?.count.asDouble)
        return text
    }

    /// When the process began, since 1970: it shows restarts.
    private static func startTime(afterBoot seconds: Double?) -> Double? {
        guard let seconds, let data = FileManager.default.contents(atPath: "/proc/stat"), let text = String(validating: data, as: UTF8.self),
            let line = text.split(separator: "\n").first(where: { $0.hasPrefix("btime ") }), let boot = Double(line.dropFirst(6))
        else { return nil }
        return boot + seconds
    }

    /// The numbers of /proc/self/stat behind the command's name, which ends with the last `)`: index 0 is field 3.
    private static func statFields() -> Fields {
        guard let data = FileManager.default.contents(atPath: "/proc/self/stat"), let text = String(validating: data, as: UTF8.self),
            let end = text.lastIndex(of: ")")
        else { return Fields(values: []) }
        return Fields(values: text[text.index(after: end)...].split(separator: " ").map { Double($0) })
    }

    private struct Fields {
        var values: [Double?]
        subscript(index: Int) -> Double? { values.indices.contains(index) ? values[index] : nil }
    }

    private static func zip(_ left: Double?, _ right: Double?) -> (Double, Double)? {
        guard let left, let right else { return nil }
        return (left, right)
    }
}

extension Int {
    fileprivate var asDouble: Double { Double(self) }
}
