import PostgresClient
import PriceWatchModel

extension PostgresPriceStore {
    /// Takes due products; see the port. Rows that another run holds are left to it, and the claim is committed before anything
    /// is enqueued.
    public func takeDueChecks(limit: Int) async throws -> DueChecks {
        try await client.transaction(retries: retries) { tx in
            let rows = try await tx.query(
                """
                select \(planColumns), p.check_claim, p.canonical_url, (extract(epoch from p.next_check_at) * 1000000)::bigint as due_at
                from products p \(wantedInterval) where p.next_check_at <= \(clock) and p.paused_at is null
                order by p.next_check_at, p.id limit \(limit) for update of p skip locked
                """)
            var checks: [DueChecks.Check] = []
            var planned: [Planned] = []
            for row in rows {
                let due = try Planned.Due(row: row)
                if due.seconds == nil {
                    planned.append(Planned(due, next: due.now + Planned.rest))
                } else if due.now - (try row["due_at", as: Int64.self]) > checkPlan.grace {
                    planned.append(Planned(due, next: checkPlan.recovered(due.id, at: due.now, interval: due.interval)))
                } else {
                    planned.append(Planned(due, next: due.now + CheckPlan.lease(interval: due.interval), isClaimed: true))
                    let host = ShopHost(link: try row["canonical_url"])
                    checks.append(DueChecks.Check(productID: due.id, claim: try row["check_claim", as: Int64.self] + 1, host: host))
                }
            }
            try await plan(tx, planned)
            return DueChecks(checks: checks, taken: rows.count)
        }
    }

    /// Plans products anew whose followers, or what those want, have changed: the next check may come earlier by that, never later,
    /// so that nobody can keep a product from being checked. One whose check is under way, failed, or is paused keeps its time.
    ///
    /// - Parameter condition: on `p`, a row of products.
    func replan(_ tx: PostgresTransaction, where condition: PostgresQuery) async throws {
        let rows = try await tx.query(
            """
            select \(planColumns), (extract(epoch from p.next_check_at) * 1000000)::bigint as next_at,
                p.failures > 0 or p.check_claim > p.checked_claim or p.paused_at is not null as is_kept
            from products p \(wantedInterval) where \(condition) order by p.id for update of p
            """)
        try await plan(
            tx,
            rows.map { row in
                let due = try Planned.Due(row: row)
                let next: Int64 = try row["next_at"]
                guard due.seconds != nil, try !row["is_kept", as: Bool.self] else { return Planned(due, next: next) }
                return Planned(due, next: min(next, CheckPlan.next(of: due.id, after: due.now, interval: due.interval, jitter: .random(in: -1...1))))
            })
    }

    /// Stores times and intervals; the rows are locked by the caller.
    func plan(_ tx: PostgresTransaction, _ planned: [Planned]) async throws {
        guard !planned.isEmpty else { return }
        try await tx.query(
            """
            update products p set next_check_at = timestamptz 'epoch' + d.next * interval '1 microsecond', check_claim = p.check_claim + d.claims,
                check_interval = case when d.seconds > 0 then make_interval(secs => d.seconds) else p.check_interval end
            from unnest(\(planned.map(\.id))::bigint[], \(planned.map(\.next))::bigint[], \(planned.map(\.seconds))::bigint[],
                \(planned.map(\.claims))::bigint[]) as d (id, next, seconds, claims)
            where p.id = d.id
            """)
    }

    /// What ``Planned/Due`` reads of a product `p` that is joined with ``wantedInterval``.
    var planColumns: PostgresQuery { "p.id, e.seconds, (extract(epoch from \(clock)) * 1000000)::bigint as now" }

    /// Joins the interval that the followers of `p` want, as `e.seconds`; null when no unblocked user follows it.
    var wantedInterval: PostgresQuery {
        """
        cross join lateral (
            select case when count(*) > 0 then
                least(greatest(min(coalesce(w.check_interval, i.check_interval, \(intervals.standard))), \(intervals.minimum)), \(intervals.maximum))
            end as seconds
            from watches w join users i on i.id = w.user_id where w.product_id = p.id and not i.is_blocked) e
        """
    }
}

/// When one product is checked next.
struct Planned {
    /// How long a product rests that nobody follows, before it is looked at again, in microseconds: a day.
    static let rest: Int64 = 86_400_000_000

    /// A product as it is planned.
    struct Due {
        let id: Int64
        /// The server's time in microseconds.
        let now: Int64
        /// The interval that its followers want; nil when there are none.
        let seconds: Int64?

        init(row: PostgresRow) throws {
            id = try row["id"]
            now = try row["now"]
            seconds = try row["seconds", as: Int64?.self]
        }

        /// In microseconds; a day for a product that nobody follows.
        var interval: Int64 { seconds.map { $0 * 1_000_000 } ?? Planned.rest }
    }

    let id: Int64
    let next: Int64
    /// The interval to store; 0: as it is.
    let seconds: Int64
    /// 1 when the check is handed out with this.
    let claims: Int64

    init(_ due: Due, next: Int64, isClaimed: Bool = false) {
        id = due.id
        self.next = next
        seconds = due.seconds ?? 0
        claims = isClaimed ? 1 : 0
    }

    init(row: PostgresRow, next: (Due) -> Int64) throws {
        let due = try Due(row: row)
        self.init(due, next: next(due))
    }
}

extension NotificationKind: PostgresEncodable, PostgresDecodable {}
