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

    /// The gap as words.
    public func text(in language: Language) -> String {
        switch self {
        case .queue(let queue):
            language.of("queue \(queue): the broker's user may not read it", "очередь \(queue): пользователю брокера не разрешено её читать")
        case .workers:
            language.of(
                "workers: the broker's user may not ask them, so what they alone know is missing",
                "исполнители: пользователю брокера не разрешено их спрашивать, поэтому нет того, что знают лишь они")
        }
    }
}

/// What a look gives; `nil` when the broker's user may not look there.
func ifPermitted<Value>(_ look: () async throws -> Value) async throws -> Value? {
    do { return try await look() } catch let error as ApiumError where error.code == .notPermitted { return nil }
}
