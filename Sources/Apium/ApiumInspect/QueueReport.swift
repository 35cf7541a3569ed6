import ApiumCore
import DynamicJSON

/// A queue as it is now.
public struct QueueReport: Sendable, Hashable {
    /// The queue.
    public var queue: String
    /// How many messages wait, all priorities together; `nil`: the broker's user may not read the queue, and nothing is known of what is in it.
    public var length: Int?
    /// How many of its jobs wait beside it, because a limit of the queue or its pause holds them back: they are not in ``length``.
    public var held = 0
    /// How long the message that is claimed next has been waiting; `nil`: there is none, or its sender does not say when it sent it.
    public var oldest: Duration?
    /// The names of the live workers of ours that serve it.
    public var workers: [String]
    /// Since when it is paused; `nil`: it is not.
    public var pausedSince: Timestamp?
    /// Its limit; `nil`: none.
    public var limit: Limit?
    /// How many jobs run under its limit.
    public var running: Int?
    /// How many messages come and leave in a second; `nil`: not known, because no worker of ours took any, and it was not watched.
    public var rates: QueueRates?

    /// The report for programs; `oldest_seconds` is null where the sender, Celery's client for example, does not say when it sent,
    /// `length` where the queue may not be read.
    public var json: JSONValue {
        [
            "length": length.json, "held": .int(Int64(held)), "readable": .bool(length != nil), "oldest_seconds": oldest.map { .double($0.inSeconds) } ?? .null,
            "workers": .array(workers.map { .string($0) }), "paused_since": pausedSince.json, "limit": (limit?.text).json, "running": running.json,
            "in_per_second": (rates?.incoming).map { .double($0) } ?? .null, "out_per_second": rates.map { .double($0.outgoing) } ?? .null,
            "rates_at_least": rates.map { .bool($0.isAtLeast) } ?? .null,
        ]
    }
}

extension Inspector {
    /// Queues with how much waits, since when, and who serves them.
    ///
    /// - Parameters:
    ///   - names: the queues. Default: all that somebody has declared, a live worker serves, or that hold messages.
    ///   - time: for how long it is watched what comes and leaves. Default: zero, not at all: the rates are those that workers counted in the last
    ///     minute.
    public func queues(_ names: [String] = [], watching time: Duration = .zero) async throws -> [QueueReport] {
        let queues = names.isEmpty ? try await broker.inspectableQueues() : names
        let rates = try await time > .zero ? rates(of: queues, over: time) : counted(queues)
        let workers = try await broker.registeredWorkers()
        let holds = Dictionary(try await broker.holds().map { ($0.target, $0) }) { $1 }
        let now = try await broker.serverTime()
        var reports: [QueueReport] = []
        for queue in queues {
            let hold = holds[.queue(queue)]
            let sight = try await ifPermitted {
                (next: try await broker.readyMessages(in: queue, ScanWindow(count: 1)).records.first, length: try await broker.queueLength(queue))
            }
            reports.append(
                QueueReport(
                    queue: queue, length: sight?.length, held: hold?.waiting ?? 0, oldest: sight?.next.flatMap { Self.waiting($0.payload, at: now) },
                    workers: workers.filter { $0.queues.contains(queue) }.map(\.name), pausedSince: hold?.pausedSince, limit: hold?.limit,
                    running: hold?.running, rates: rates[queue]))
        }
        return reports
    }

    /// The rates of the last minute, as workers counted them.
    private func counted(_ queues: [String]) async throws -> [String: QueueRates] {
        let history = try await history(last: .minutes(1))
        return queues.reduce(into: [:]) { $0[$1] = QueueRates(history.flow(of: $1)) }
    }

    /// How long a message has been waiting: since it was sent, or since its time had come.
    static func waiting(_ payload: [UInt8], at now: Timestamp) -> Duration? {
        guard let since = (try? Message(decoding: payload))?.readySince else { return nil }
        return max(.zero, now - since)
    }
}
