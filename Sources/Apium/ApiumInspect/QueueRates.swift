import ApiumCore

/// How many messages come into a queue and leave it in a second: from what workers counted (``QueueFlow``), or from two looks at the queue.
///
/// Of two looks: the last message of the first look is looked for in the second: as many as it came nearer to its start were claimed. If it was claimed itself,
/// at least all that was there has gone, and all that is there now has come.
public struct QueueRates: Sendable, Hashable {
    /// Messages that came in a second; `nil`: not known.
    public var incoming: Double?
    /// Messages that left in a second: claimed, moved, deleted.
    public var outgoing: Double
    /// Whether both are only the least that it can have been.
    public var isAtLeast: Bool

    /// Makes the value.
    public init(incoming: Double?, outgoing: Double, isAtLeast: Bool = false) {
        self.incoming = incoming
        self.outgoing = outgoing
        self.isAtLeast = isAtLeast
    }

    /// The rates that workers counted; `nil` when they counted nothing, as where Celery's workers serve the queue.
    init?(_ flow: QueueFlow) {
        guard flow.in != nil || flow.out > 0 else { return nil }
        self.init(incoming: flow.in, outgoing: flow.out)
    }

    /// Works the rates out.
    ///
    /// - Parameters:
    ///   - before: the first look.
    ///   - length: how many messages there were at the second one.
    ///   - position: where the last message of the first look stood then; `nil`: it was not seen.
    ///   - time: what was between.
    init(_ before: QueueLook, length: Int, position: Int?, in time: Duration) {
        let seconds = max(time.inSeconds, 0.001)
        if let position, before.length > 0 {
            // What is more urgent may have come before it.
            let gone = max(0, before.length - 1 - position)
            self.init(incoming: Double(max(0, length - before.length + gone)) / seconds, outgoing: Double(gone) / seconds, isAtLeast: false)
        } else {
            self.init(incoming: Double(length) / seconds, outgoing: Double(before.length) / seconds, isAtLeast: before.length + length > 0)
        }
    }

    /// The rates as people read them: `12.5`, `≥ 3`.
    public var texts: (incoming: String, outgoing: String) { (incoming.map(text) ?? "–", text(outgoing)) }

    private func text(_ rate: Double) -> String {
        let number = rate >= 100 ? String(Int(rate.rounded())) : String((rate * 10).rounded() / 10)
        return (isAtLeast ? "≥ " : "") + (number.hasSuffix(".0") ? String(number.dropLast(2)) : number) + "/s"
    }
}

/// A queue at one moment.
struct QueueLook: Sendable, Hashable {
    /// How many messages waited.
    var length: Int
    /// The id of the one that is claimed last; `nil`: there is none, or it cannot be read.
    var last: String?
}

extension Inspector {
    /// Looks at queues twice, and says how many messages came and left between.
    ///
    /// - Parameter time: what lies between the two looks.
    public func rates(of queues: [String], over time: Duration) async throws -> [String: QueueRates] {
        var looks: [String: QueueLook] = [:]
        let began = ContinuousClock.now
        for queue in queues { looks[queue] = try await ifPermitted { try await look(at: queue) } }
        try await Task.sleep(for: time)
        var rates: [String: QueueRates] = [:]
        for queue in queues {
            guard let before = looks[queue] else { continue }
            let position = try await position(of: before.last, in: queue)
            let length = try await broker.queueLength(queue)
            rates[queue] = QueueRates(before, length: length, position: position, in: ContinuousClock.now - began)
        }
        return rates
    }

    private func look(at queue: String) async throws -> QueueLook {
        let length = try await broker.queueLength(queue)
        guard length > 0 else { return QueueLook(length: 0) }
        // It may have become shorter since, and the last one is then another.
        let window = ScanWindow(from: max(0, length - 3), count: 4)
        guard let record = try await broker.readyMessages(in: queue, window).records.last else { return QueueLook(length: length) }
        return QueueLook(length: record.position + 1, last: (try? Message(decoding: record.payload))?.id)
    }

    private func position(of id: String?, in queue: String) async throws -> Int? {
        guard let id else { return nil }
        var position: Int?
        _ = try await readyPages(of: queue, mentioning: [id]) { records in
            position = records.last { (try? Message(decoding: $0.payload).id) == id }?.position
            return position == nil
        }
        return position
    }
}
