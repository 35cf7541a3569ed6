import ApiumCore
import Foundation
import Yams

/// A schedule as it stands in a YAML file: `entries:` from name to task, time and options.
///
/// ```yaml
/// entries:
///   check-due:
///     task: shop.check_due
///     every: 10s
///     options: {queue: checks, expires: 60}
///   nightly:
///     task: shop.report
///     crontab: "0 4 * * *"
///     timezone: Europe/Moscow
/// ```
public struct ScheduleFile: Sendable {
    /// The entries, by name.
    public var entries: [ScheduleEntry]

    /// Reads a schedule.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` with every fault at once, each with its line.
    public init(yaml text: String, name: String = "schedule") throws {
        let root: Node?
        do {
            root = try Yams.compose(yaml: text)
        } catch {
            throw ApiumError(.invalidConfiguration, "\(name) is no YAML", underlying: error)
        }
        var reader = ScheduleReader()
        entries = reader.entries(of: root)
        guard reader.faults.isEmpty else {
            throw ApiumError(.invalidConfiguration, reader.faults.map { "\(name):\($0)" }.joined(separator: "\n"))
        }
    }

    /// Whether a text looks like a schedule file: a map with `entries`.
    public static func isSchedule(yaml text: String) -> Bool {
        guard case .mapping(let map)? = try? Yams.compose(yaml: text) else { return false }
        return map["entries"] != nil
    }

    /// The entries of the file and those of a program's code.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` for names that stand in both, or twice in the code.
    public func adding(_ others: [ScheduleEntry]) throws -> [ScheduleEntry] {
        let all = entries + others
        let twice = Dictionary(grouping: all, by: \.name).filter { $0.value.count > 1 }.keys.sorted()
        guard twice.isEmpty else {
            throw ApiumError(.invalidConfiguration, "these entries stand in the schedule twice: \(twice.joined(separator: ", "))")
        }
        return all
    }

    /// Reads a schedule from a file; its generation is the time of its last change.
    public static func load(path: String) throws -> (file: ScheduleFile, generation: Int64) {
        let url = URL(fileURLWithPath: path)
        do {
            let text = try String(contentsOf: url, encoding: .utf8)
            let changed = try url.resourceValues(forKeys: [.contentModificationDateKey]).contentModificationDate ?? Date(timeIntervalSince1970: 0)
            return (try ScheduleFile(yaml: text, name: path), Int64(changed.timeIntervalSince1970 * 1_000_000))
        } catch let error as ApiumError {
            throw error
        } catch {
            throw ApiumError(.invalidConfiguration, "the schedule \(path) cannot be read", underlying: error)
        }
    }
}
