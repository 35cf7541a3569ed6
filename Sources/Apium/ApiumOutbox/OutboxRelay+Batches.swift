import ApiumCore
import PostgresClient

extension OutboxRelay {
    /// Hands over one batch; answers how many rows it looked at. Rows that another relay holds are left to it, and those for a queue that was full a
    /// moment ago are passed over: however many they are, they stand in nobody's way, and nothing is written to them.
    ///
    /// The order is: rows locked, jobs enqueued once, rows deleted, commit. A death after the second step is a repetition, which the
    /// broker knows; a death before it is nothing.
    func relayBatch() async throws -> Int {
        let resting = full.resting(at: .now)
        return try await postgres.transaction { tx in
            let rows = try await tx.query(
                """
                select id, exchange, routing_key, message, queue_limit, lock_key, lock_scope, lock_us, attempts,
                    greatest(delay_us - (extract(epoch from clock_timestamp() - created_at) * 1000000)::bigint, 0) as delay_us
                from apium_outbox
                where (retry_at is null or retry_at <= clock_timestamp())
                    and concat_ws(chr(31), exchange, routing_key, queue_limit::text) <> all(\(resting))
                order by id limit \(options.batch) for update skip locked
                """
            ).map { try OutboxRow($0) }
            guard !rows.isEmpty else { return 0 }
            let ends = try await handOver(rows)
            let gone = zip(rows, ends).filter { $1 == .gone }.map(\.0.id)
            if !gone.isEmpty { try await tx.query("delete from apium_outbox where id = any(\(gone))") }
            for (row, end) in zip(rows, ends) { try await note(end, of: row, tx) }
            return rows.count
        }
    }

    /// What became of a row.
    private enum End: Equatable {
        case gone
        /// Its queue is full.
        case held
        case failed(String)
    }

    /// All in one call; if that is refused for what is in it, each for itself, so that one bad row holds nobody up.
    private func handOver(_ rows: [OutboxRow]) async throws -> [End] {
        let readable = rows.map { row in Result { try row.outgoing(knownFor: options.knownFor) } }
        if let whole = try? readable.map({ try $0.get() }), let ends = try await ends(of: whole) { return ends }
        var ends: [End] = []
        for result in readable { ends.append(try await end(of: result)) }
        return ends
    }

    private func end(of result: Result<Outgoing, any Error>) async throws -> End {
        do {
            let receipt = try await broker.enqueue([result.get()], EnqueueTerms(isAllOrNone: false))
            return Self.end(receipt.outcomes[0])
        } catch let error as ApiumError where error.code != .unavailable {
            return .failed(error.message)
        }
    }

    /// Nil when the call was refused as a whole.
    private func ends(of messages: [Outgoing]) async throws -> [End]? {
        do {
            return try await broker.enqueue(messages, EnqueueTerms(isAllOrNone: false)).outcomes.map(Self.end)
        } catch let error as ApiumError where error.code != .unavailable {
            return nil
        }
    }

    private static func end(_ outcome: EnqueueOutcome) -> End { if case .refused = outcome { .held } else { .gone } }

    /// A row that stays rests: with its queue when that is full; after a failure for two seconds, doubled each time, up to five minutes.
    private func note(_ end: End, of row: OutboxRow, _ tx: PostgresTransaction) async throws {
        switch end {
        case .gone: break
        case .held: full.note(row.line, at: .now)
        case .failed(let reason):
            logger.error("A row of the outbox cannot be handed over; it stays", metadata: ["row": "\(row.id)", "reason": "\(reason)"])
            let wait = min(2 << Int64(min(row.attempts, 8)), 300)
            try await tx.query(
                """
                update apium_outbox set attempts = attempts + 1, last_error = \(reason),
                    retry_at = clock_timestamp() + make_interval(secs => \(Double(wait))) where id = \(row.id)
                """)
        }
    }
}

/// A row as it was read.
private struct OutboxRow {
    let id: Int64
    let attempts: Int
    private let exchange: String
    private let key: String
    private let message: String
    private let delay: Int64
    private let limit: Int?
    private let lock: UniqueLock?

    /// The rows that are refused together.
    var line: String { [exchange, key, limit.map(String.init)].compactMap { $0 }.joined(separator: FullQueues.separator) }

    init(_ row: PostgresRow) throws {
        id = try row["id"]
        attempts = try row["attempts"]
        exchange = try row["exchange"]
        key = try row["routing_key"]
        message = try row["message"]
        delay = try row["delay_us"]
        limit = try row["queue_limit"]
        let (key, scope) = (try row["lock_key", as: String?.self], try row["lock_scope", as: String?.self])
        if let key, let scope = scope.flatMap(UniqueLock.Scope.init(rawValue:)) {
            lock = UniqueLock(key: key, scope: scope, life: .microseconds(try row["lock_us", as: Int64?.self] ?? 0))
        } else {
            lock = nil
        }
    }

    func outgoing(knownFor time: Duration) throws -> Outgoing {
        var outgoing = Outgoing(try Message(decoding: Array(message.utf8)), to: key, after: delay > 0 ? .microseconds(delay) : nil)
        outgoing.exchange = exchange
        outgoing.conditions = EnqueueConditions(onceWithin: time, queueLimit: limit, lock: lock)
        return outgoing
    }
}
