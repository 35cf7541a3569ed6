import ApiumCore
import RedisClient

/// What became of jobs: a hash for each slot of time, added to by `count.lua`.
extension RedisBroker {
    public func record(_ report: HistoryReport) async throws {
        let lists = report.queues.flatMap { keys.ready($0) }
        var arguments = [report.source, String(report.number), String(HistoryReport.keyLimit), String(keys.prioritySteps.count)]
        arguments.append(String(HistoryResolution.allCases.count))
        for resolution in HistoryResolution.allCases { arguments += [String(resolution.rawValue), String(resolution.life.components.seconds)] }
        arguments.append(String(report.queues.count))
        arguments += report.queues
        for (key, counts) in report.counts { arguments += [Self.field(key), Self.text(counts)] }
        let command = RedisCommand.eval(RedisScripts.count, keys: [keys.history] + lists, arguments: arguments)
        do { try await client.reply(command) } catch { throw RedisFailure.apiumError(error) }
    }

    public func history(_ resolution: HistoryResolution, slots: Int) async throws -> [HistorySlot] {
        let count = min(max(slots, 0), resolution.kept)
        guard count > 0 else { return [] }
        let last = resolution.slot(at: try await serverTime())
        let numbers = Array(last - Int64(count) + 1...last)
        var result: [HistorySlot] = []
        do {
            // Not all at once: others use the connection, too.
            for start in stride(from: 0, to: numbers.count, by: Self.slotPage) {
                let page = numbers[start..<min(start + Self.slotPage, numbers.count)]
                let replies = try await client.replies(page.map { RedisCommand("HGETALL", keys.history(resolution, slot: $0)) })
                for (number, reply) in zip(page, replies) { result.append(try Self.slot(number, of: resolution, reply.asPairs())) }
            }
        } catch {
            throw RedisFailure.apiumError(error)
        }
        return result
    }

    private static let slotPage = 200

    private static func slot(_ number: Int64, of resolution: HistoryResolution, _ fields: [(field: RESPValue, value: RESPValue)]) -> HistorySlot {
        let begin = Timestamp(microseconds: number * Int64(resolution.rawValue) * 1_000_000)
        var slot = HistorySlot(begin: begin, length: resolution.length)
        for (name, value) in fields {
            guard let field = name.string else { continue }
            if let key = key(ofField: field) {
                slot.counts[key] = counts(of: value.string ?? "")
            } else if let length = value.int {
                slot.lengths[field] = length
            }
        }
        return slot
    }

    // MARK: Coding

    /// `<queue> NUL <job>`; what would be mistaken for another field is counted with the others.
    static func field(_ key: HistoryKey) -> String {
        key.queue.contains("\0") || key.task.contains("\0") ? field(.other) : key.queue + "\0" + key.task
    }

    static func key(ofField field: String) -> HistoryKey? {
        let parts = field.split(separator: "\0", maxSplits: 1, omittingEmptySubsequences: false)
        return parts.count == 2 ? HistoryKey(queue: String(parts[0]), task: String(parts[1])) : nil
    }

    /// `place:number place:number …` without the zeros.
    static func text(_ counts: JobCounts) -> String {
        counts.values.enumerated().filter { $0.element > 0 }.map { "\($0.offset):\($0.element)" }.joined(separator: " ")
    }

    static func counts(of text: String) -> JobCounts {
        var values = [Int64](repeating: 0, count: JobCounts.size)
        for word in text.split(separator: " ") {
            let parts = word.split(separator: ":")
            // A newer release may count more than this one knows.
            guard parts.count == 2, let place = Int(parts[0]), let number = Int64(parts[1]), values.indices.contains(place) else { continue }
            values[place] = number
        }
        return JobCounts(values: values)
    }
}
