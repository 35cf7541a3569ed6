import ApiumCore
import Logging
import PostgresClient

/// Enqueues jobs in a Postgres transaction: they exist if, and only if, it commits.
///
/// A job becomes a row of the table `apium_outbox` (``schema``); an ``OutboxRelay`` hands it to the broker afterwards, once. The broker need not be
/// reachable meanwhile.
///
/// ```swift
/// try await postgres.transaction { tx in
///     try await tx.query("update orders set paid_at = now() where id = \(order)")
///     try await outbox.enqueue(SendReceipt(order: order), in: tx)
/// }
/// ```
public struct Outbox: Sendable {
    /// Decides where jobs go whose callers don't say. Default: the queue `celery`.
    public var router: Router
    /// How bodies are written. Default: JSON, not compressed.
    public var format: ContentFormat
    /// What stands in the header `origin`.
    public var origin: String

    /// Makes an outbox; each default is given at its property.
    public init(router: Router = Router(), format: ContentFormat = .json, origin: String = "apium") {
        self.router = router
        self.format = format
        self.origin = origin
    }

    /// Where relays listen.
    static let channel = "apium_outbox"

    /// The table, for a migration of one's own. It must be found by the `search_path` of whoever enqueues and relays.
    public static let schema = """
        create table apium_outbox (
            id bigint generated always as identity primary key,
            job_id text not null unique,
            exchange text not null,
            routing_key text not null,
            message text not null,
            delay_us bigint not null default 0 check (delay_us >= 0),
            queue_limit bigint,
            lock_key text,
            lock_scope text,
            lock_us bigint,
            created_at timestamptz not null default clock_timestamp(),
            attempts integer not null default 0,
            retry_at timestamptz,
            last_error text
        );
        """

    /// Enqueues a typed job when the transaction commits; answers its id.
    ///
    /// An id that waits in the outbox already is not written again, and one that the relay handed over lately is not enqueued again. Times count
    /// from now on this machine's clock, since the broker is not asked. A ``EnqueueOptions/queueLimit(_:)`` holds the job back in the table
    /// while its queue is full, a unique job takes its lock when it is handed over, and a durability is not waited for.
    ///
    /// - Throws: ``ApiumError`` `badArguments` when the job does not encode as an object; `PostgresError`.
    @discardableResult
    public func enqueue<Definition: JobDefinition>(_ job: Definition, _ options: EnqueueOptions = EnqueueOptions(), in transaction: PostgresTransaction)
        async throws -> String
    {
        try await enqueue([TaskCall(job, options)], in: transaction)[0]
    }

    /// Enqueues calls, in order and in one statement, when the transaction commits; answers their ids.
    @discardableResult
    public func enqueue(_ calls: [TaskCall], in transaction: PostgresTransaction) async throws -> [String] {
        guard !calls.isEmpty else { return [] }
        var dispatcher = Dispatcher(router: router, origin: origin, now: Timestamp.now())
        dispatcher.format = format
        let messages = try calls.map { try dispatcher.outgoing($0) }
        // Sent to listeners when the transaction commits, once however often it is said.
        try await transaction.query(
            """
            with written as (
                insert into apium_outbox (job_id, exchange, routing_key, message, delay_us, queue_limit, lock_key, lock_scope, lock_us)
                select id, exchange, key, message, delay, nullif(queue_limit, -1), nullif(lock_key, ''), nullif(lock_scope, ''), lock_us from unnest(\(messages.map(\.message.id))::text[],
                    \(messages.map(\.exchange))::text[], \(messages.map(\.queue))::text[], \(messages.map(\.message.text))::text[],
                    \(messages.map(\.delayMicroseconds))::bigint[], \(messages.map { Int64($0.conditions.queueLimit ?? -1) })::bigint[],
                    \(messages.map { $0.conditions.lock?.key ?? "" })::text[], \(messages.map { $0.conditions.lock?.scope.rawValue ?? "" })::text[],
                    \(messages.map { $0.conditions.lock?.life.wholeMicroseconds ?? 0 })::bigint[])
                    with ordinality as call (id, exchange, key, message, delay, queue_limit, lock_key, lock_scope, lock_us, place)
                order by place on conflict (job_id) do nothing returning id)
            select count(*) as n, pg_notify(\(Self.channel), '') from written
            """)
        return messages.map(\.message.id)
    }

    /// Takes back what was not handed to the broker yet; answers the ids of those. Waits for a relay that has one of them in its hands.
    @discardableResult
    public func withdraw(_ ids: [String], in transaction: PostgresTransaction) async throws -> [String] {
        guard !ids.isEmpty else { return [] }
        return try await transaction.query("delete from apium_outbox where job_id = any(\(ids)) returning job_id").map { try $0["job_id"] }
    }
}

extension Message {
    /// The message as text: JSON has no NUL, which Postgres could not keep.
    fileprivate var text: String { String(decoding: encoded(), as: UTF8.self) }
}

extension Outgoing {
    fileprivate var delayMicroseconds: Int64 { delay.map { max($0.wholeMicroseconds, 0) } ?? 0 }
}
