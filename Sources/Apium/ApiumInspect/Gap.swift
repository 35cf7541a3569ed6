import ApiumCore
import DynamicJSON

/// Something that could not be looked at, because the broker's user may not: an answer may lack what is there.
public enum Gap: Sendable, Hashable, Comparable {
    /// The messages of a queue may not be read.
    case queue(String)
    /// Workers may not be asked: what they alone know is missing, such as since when a job runs.
    case workers

    /// The gap for programs: its kind in a word, and what it is about.
    public var json: JSONValue {
        switch self {
        case .queue(let queue): ["kind": "queue-not-readable", "queue": .string(queue)]
        case .workers: ["kind": "workers-not-asked"]
        }
    }
}

extension Collection where Element == Gap {
    /// The gaps as words: a line for all queues together, and one for the workers.
    public func lines(in language: Language) -> [String] {
        let queues = compactMap { if case .queue(let queue) = $0 { queue } else { nil } }.sorted()
        var lines: [String] = []
        if !queues.isEmpty {
            let rest = queues.count - Self.named
            let names = queues.prefix(Self.named).joined(separator: ", ") + (rest > 0 ? language.of(" and \(rest) more", " и ещё \(rest)") : "")
            lines.append(
                queues.count == 1
                    ? language.of("queue \(names): the broker's user may not read it", "очередь \(names): пользователю брокера не разрешено её читать")
                    : language.of("queues \(names): the broker's user may not read them", "очереди \(names): пользователю брокера не разрешено их читать"))
        }
        if contains(.workers) {
            lines.append(
                language.of(
                    "workers: the broker's user may not ask them, so what they alone know is missing",
                    "исполнители: пользователю брокера не разрешено их спрашивать, поэтому нет того, что знают лишь они"))
        }
        return lines
    }

    /// How many queues are named.
    private static var named: Int { 5 }
}

/// What a look gives; `nil` when the broker's user may not look there.
func ifPermitted<Value>(_ look: () async throws -> Value) async throws -> Value? {
    do { return try await look() } catch let error as ApiumError where error.code == .notPermitted { return nil }
}
