import PostgresClient
import PriceWatchModel

extension PostgresPriceStore: UpkeepStore {
    /// Writes the digests that are due; see the port. That a user's day or week has its digest is noted in the transaction that
    /// writes it: neither two runs at once nor an hour that comes twice make two, and an hour that the clock skips comes late.
    public func writeDigests(limit: Int) async throws -> Int {
        try await client.transaction(retries: retries) { tx in
            let users = try await tx.query(
                """
                update users u set last_digest_on = d.day, last_digest_at = \(clock)
                from (
                    select v.id, s.day, coalesce(v.last_digest_at, v.created_at) as since
                    from users v cross join lateral \(digestStart(of: "v")) s
                    where v.digest <> 'off' and not v.is_blocked and s.has_come and (v.last_digest_on is null or v.last_digest_on < s.day)
                    order by v.id limit \(limit) for update of v skip locked) d
                where u.id = d.id returning u.id, (extract(epoch from d.since) * 1000000)::bigint as since
                """)
            guard !users.isEmpty else { return 0 }
            try await writeDigests(tx, users: try users.map { try $0["id"] }, since: try users.map { try $0["since"] })
            return users.count
        }
    }

    /// One outbox row for each of these users who follows anything: what changed since, and what does not work.
    private func writeDigests(_ tx: PostgresTransaction, users: [Int64], since: [Int64]) async throws {
        let written = try await tx.query(
            """
            with lines as (
                select t.user_id, w.id, p.name, p.canonical_url, p.price_minor, p.currency, o.price_minor as old_minor, o.currency as old_currency,
                    (o.price_minor, o.currency) is distinct from (p.price_minor, p.currency) as is_changed,
                    case when p.failing_told_at is not null then p.last_failure end as failure
                from unnest(\(users)::bigint[], \(since)::bigint[]) as t (user_id, since)
                join watches w on w.user_id = t.user_id join products p on p.id = w.product_id
                cross join lateral (\(priceAt(since: "greatest(timestamptz 'epoch' + t.since * interval '1 microsecond', w.created_at)"))) o),
            ranked as (
                select *, row_number() over (partition by user_id order by is_changed desc, failure is null, id) as place from lines)
            insert into outbox (user_id, kind, digest)
            select user_id, 'digest', jsonb_build_object(
                'following', count(*), 'changed', count(*) filter (where is_changed), 'failing', count(failure),
                'lines', coalesce(jsonb_agg(jsonb_build_object(
                    'name', name, 'link', canonical_url, 'failure', failure,
                    'old', jsonb_build_object('minor_units', old_minor, 'currency', old_currency),
                    'new', jsonb_build_object('minor_units', price_minor, 'currency', currency)) order by place)
                    filter (where place <= \(Digest.longest) and (is_changed or failure is not null)), '[]'))
            from ranked group by user_id order by user_id returning id
            """)
        try await enqueue(tx, written)
    }

    /// The price of `p` at an instant: the last one seen before, or rolled up, or else the first one there is; one row.
    private func priceAt(since instant: PostgresQuery) -> PostgresQuery {
        """
        select coalesce(h.price_minor, p.price_minor) as price_minor, coalesce(h.currency, p.currency) as currency from (values (1)) one
        left join lateral (
            select * from (
                (select x.price_minor, x.currency, x.seen_at, 0 as place from price_points x
                where x.product_id = p.id and x.seen_at <= \(instant) order by x.seen_at desc, x.id desc limit 1)
                union all
                (select d.last_minor, d.currency, d.last_seen_at, 0 from price_days d
                where d.product_id = p.id and d.last_seen_at <= \(instant) order by d.last_seen_at desc, d.id desc limit 1)
                union all
                (select x.price_minor, x.currency, x.seen_at, 1 from price_points x where x.product_id = p.id order by x.seen_at, x.id limit 1)) a
            order by a.place, a.seen_at desc limit 1) h on true
        """
    }

    /// Rolls up old prices; see the port. Prices are taken and their days are written in one statement; a day that comes in parts
    /// grows by each.
    public func rollUpHistory(keepingDays days: Int, limit: Int) async throws -> Int {
        let rows = try await client.query(
            """
            with taken as (
                delete from price_points where id in (
                    select id from price_points
                    where seen_at < (date_trunc('day', \(clock) at time zone 'UTC') - make_interval(days => \(days)::integer)) at time zone 'UTC'
                    order by seen_at, id limit \(limit) for update skip locked)
                returning id, product_id, price_minor, currency, availability, seen_at),
            days as (
                insert into price_days as d (product_id, day, currency, low_minor, high_minor, last_minor, availability, points, last_seen_at)
                select product_id, (seen_at at time zone 'UTC')::date, currency, min(price_minor), max(price_minor),
                    (array_agg(price_minor order by seen_at desc, id desc))[1], (array_agg(availability order by seen_at desc, id desc))[1],
                    count(*), max(seen_at)
                from taken group by product_id, (seen_at at time zone 'UTC')::date, currency
                on conflict (product_id, day, currency) do update set
                    low_minor = least(d.low_minor, excluded.low_minor), high_minor = greatest(d.high_minor, excluded.high_minor),
                    last_minor = case when excluded.last_seen_at >= d.last_seen_at then excluded.last_minor else d.last_minor end,
                    availability = case when excluded.last_seen_at >= d.last_seen_at then excluded.availability else d.availability end,
                    points = d.points + excluded.points, last_seen_at = greatest(d.last_seen_at, excluded.last_seen_at))
            select count(*) as n from taken
            """)
        return try rows.first?["n"] ?? 0
    }

    /// Drops what has ended; see the port.
    public func prune(keepingDays days: Int, limit: Int) async throws -> Int {
        try await client.transaction(retries: retries) { tx in
            let before: PostgresQuery = "\(clock) - make_interval(days => \(days)::integer)"
            let notifications = try await tx.query(
                "delete from outbox where id in (select id from outbox where created_at < \(before) order by created_at limit \(limit) for update skip locked)")
            let sessions = try await tx.query(
                """
                delete from admin_sessions where token_hash in (
                    select token_hash from admin_sessions where used_at < \(before) limit \(limit) for update skip locked)
                """)
            let tokens = try await tx.query(
                """
                delete from api_tokens where id in (
                    select id from api_tokens where revoked_at < \(before) or expires_at < \(before) limit \(limit) for update skip locked)
                """)
            return notifications.affectedRows + sessions.affectedRows + tokens.affectedRows
        }
    }

    /// Has UTC stored for users whose zone the server does not know; see the port.
    public func forgetUnknownZones() async throws -> Int {
        try await client.query(
            """
            with known as materialized (select lower(name) as name from pg_timezone_names)
            update users set time_zone = null where id in (
                select id from users where time_zone !~ '^[+-]' and time_zone <> 'UTC' and lower(time_zone) not in (select name from known)
                    and exists (select from known) order by id for no key update skip locked)
            """
        ).affectedRows
    }

    /// Of a user's row: the first day of their day or week that it is, and whether the digest's hour has come in it.
    func digestStart(of user: PostgresQuery) -> PostgresQuery {
        """
        (select l.start::date as day, l.now >= l.start + make_interval(hours => \(user).digest_hour) as has_come
        from (select n.now, date_trunc(case \(user).digest when 'weekly' then 'week' else 'day' end, n.now) as start
            from (select \(localTime(of: user)) as now) n) l)
        """
    }

    /// Whether it is one of the quiet hours of `u`.
    var isQuiet: PostgresQuery {
        """
        coalesce((select case when u.quiet_from < u.quiet_until then l.hour >= u.quiet_from and l.hour < u.quiet_until
            else l.hour >= u.quiet_from or l.hour < u.quiet_until end
            from (select extract(hour from \(localTime(of: "u"))) as hour) l where u.quiet_from is not null), false)
        """
    }

    /// When the next quiet hours of `u` begin, in seconds since 1970; null when there are none. To be asked outside of them.
    var nextQuiet: PostgresQuery {
        """
        (select extract(epoch from local_instant(s.start + case when s.start > s.now then interval '0' else interval '1 day' end, u.time_zone))::bigint
        from (select l.now, date_trunc('day', l.now) + make_interval(hours => u.quiet_from) as start
            from (select \(localTime(of: "u")) as now) l) s where u.quiet_from is not null)
        """
    }

    /// What the clocks of a user show: those of UTC where the server does not know their zone.
    func localTime(of user: PostgresQuery, at instant: PostgresQuery? = nil) -> PostgresQuery {
        "local_time(\(instant ?? clock), \(user).time_zone)"
    }
}
