import ApiumCore
import DynamicJSON

/// A queue as it is now.
public struct QueueReport: Sendable, Hashable {
    /// The queue.
    public var queue: String
    /// How many messages wait, all priorities together.
    public var length: Int
    /// How long the message that is claimed next has been waiting; `nil`: there is none, or its sender does not say when it sent it.
    public var oldest: Duration?
    /// The names of the live workers of ours that serve it.
    public var workers: [String]

    /// The report for programs; `oldest_seconds` is null where the sender, Celery's client for example, does not say when it sent.
    public var json: JSONValue {
        [
            "length": .int(Int64(length)), "oldest_seconds": oldest.map { .double($0.inSeconds) } ?? .null,
            "workers": .array(workers.map { .string($0) }),
        ]
    }
}

extension Inspector {
    /// Queues with how much waits, since when, and who serves them.
    ///
    /// - Parameter names: the queues. Default: all that somebody has declared, a live worker serves, or that hold messages.
    public func queues(_ names: [String] = []) async throws -> [QueueReport] {
        let workers = try await broker.registeredWorkers()
        let now = try await broker.serverTime()
        var reports: [QueueReport] = []
        for queue in names.isEmpty ? try await broker.inspectableQueues() : names {
            let next = try await broker.readyMessages(in: queue, ScanWindow(count: 1)).records.first
            reports.append(
                QueueReport(
                    queue: queue, length: try await broker.queueLength(queue), oldest: next.flatMap { Self.waiting($0.payload, at: now) },
                    workers: workers.filter { $0.queues.contains(queue) }.map(\.name)))
        }
        return reports
    }

    /// How long a message has been waiting: since it was sent, or since its time had come.
    static func waiting(_ payload: [UInt8], at now: Timestamp) -> Duration? {
        guard let since = (try? Message(decoding: payload))?.readySince else { return nil }
        return max(.zero, now - since)
    }
}
