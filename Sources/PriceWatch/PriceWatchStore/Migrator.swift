import Logging
import PostgresClient

/// Brings a database's schema forward and back, one process at a time (a session-level advisory lock), each migration in a
/// transaction of its own. What was applied is in the table `schema_migrations`.
public struct Migrator: Sendable {
    /// Where one migration stands.
    public struct Status: Sendable, Hashable {
        /// The migration's id.
        public var id: String
        /// The migration's name.
        public var name: String
        /// Where it stands.
        public var state: State
        /// When it was applied, as the server writes it in UTC; nil for a pending one.
        public var appliedAt: String?
    }

    /// Where a migration may stand.
    public enum State: String, Sendable, Hashable {
        /// The database has it.
        case applied
        /// The database does not have it yet.
        case pending
        /// The database has another text of it.
        case changed
        /// The database has it, this program does not.
        case missing
    }

    struct Applied {
        let id: String
        let name: String
        let checksum: String
        let at: String
    }

    /// `PWMG` as a number, so that no other program's lock is met by chance; the second half of the key is the schema's.
    private static let lockKey: Int32 = 0x5057_4d47

    private let client: PostgresClient
    private let migrations: [Migration]
    private let lockTimeout: Duration

    /// Makes a migrator for the migrations, which are those of this program if not given.
    ///
    /// - Throws: `StoreError` when ids repeat or are out of order.
    public init(client: PostgresClient, migrations: [Migration]? = nil, lockTimeout: Duration = .seconds(60)) throws {
        self.client = client
        self.migrations = try migrations ?? Migration.embedded()
        self.lockTimeout = lockTimeout
        for (one, next) in zip(self.migrations, self.migrations.dropFirst()) where one.id >= next.id {
            throw StoreError(.malformedMigration, "migration \(next.id) \(next.name) does not come after \(one.id) \(one.name)")
        }
    }

    /// Applies what is pending, oldest first, and answers the names of what it applied.
    ///
    /// - Throws: `StoreError` naming a changed, missing or late migration, before anything is applied.
    public func up() async throws -> [String] {
        try await locked { session in
            let applied = try await applied(session)
            try verify(applied)
            let known = Set(applied.map(\.id))
            var done: [String] = []
            for migration in migrations where !known.contains(migration.id) {
                try await session.transaction { tx in
                    try await tx.script(migration.up)
                    try await tx.query(
                        """
                        insert into schema_migrations (version, name, checksum)
                        values (\(migration.id), \(migration.name), \(migration.checksum))
                        """)
                }
                done.append("\(migration.id) \(migration.name)")
            }
            return done
        }
    }

    /// Takes back the newest so many, newest first, and answers their names.
    ///
    /// - Throws: `StoreError` as `up()` does, and when one has no way back.
    public func down(_ count: Int = 1) async throws -> [String] {
        try await locked { session in
            let applied = try await applied(session)
            try verify(applied)
            let known = Set(applied.map(\.id))
            var done: [String] = []
            for migration in migrations.reversed().filter({ known.contains($0.id) }).prefix(max(0, count)) {
                guard migration.isReversible else {
                    throw StoreError(.irreversibleMigration, "migration \(migration.id) \(migration.name) has no way back: its \"-- down\" section is empty")
                }
                try await session.transaction { tx in
                    try await tx.script(migration.down)
                    try await tx.query("delete from schema_migrations where version = \(migration.id)")
                }
                done.append("\(migration.id) \(migration.name)")
            }
            return done
        }
    }

    /// Every migration that the program or the database has, oldest first. Changes nothing.
    public func status() async throws -> [Status] {
        let exists = try await client.query("select to_regclass('schema_migrations') is not null as yes").first?["yes", as: Bool.self]
        let applied = exists == true ? try await applied(client) : []
        let byID = Dictionary(applied.map { ($0.id, $0) }) { first, _ in first }
        let ours = migrations.map { migration in
            guard let row = byID[migration.id] else { return Status(id: migration.id, name: migration.name, state: .pending) }
            return Status(id: migration.id, name: migration.name, state: row.checksum == migration.checksum ? .applied : .changed, appliedAt: row.at)
        }
        let known = Set(migrations.map(\.id))
        let theirs = applied.filter { !known.contains($0.id) }.map { Status(id: $0.id, name: $0.name, state: .missing, appliedAt: $0.at) }
        return (ours + theirs).sorted { $0.id < $1.id }
    }

    private func applied(_ database: any PostgresQuerying) async throws -> [Applied] {
        try await database.query("select version, name, checksum, applied_at::text as at from schema_migrations order by version").map { row in
            try Applied(id: row["version"], name: row["name"], checksum: row["checksum"], at: row["at"])
        }
    }

    private func verify(_ applied: [Applied]) throws {
        let ours = Dictionary(migrations.map { ($0.id, $0) }) { first, _ in first }
        for row in applied {
            guard let migration = ours[row.id] else {
                throw StoreError(
                    .missingMigration,
                    "migration \(row.id) \(row.name) was applied to this database at \(row.at), but this program does not have it: run a newer program")
            }
            guard migration.checksum == row.checksum else {
                throw StoreError(
                    .changedMigration,
                    "migration \(row.id) \(migration.name) was changed after it was applied at \(row.at): restore its text and write a new migration instead")
            }
        }
        guard let last = applied.last else { return }
        let known = Set(applied.map(\.id))
        if let late = migrations.first(where: { $0.id < last.id && !known.contains($0.id) }) {
            throw StoreError(
                .lateMigration, "migration \(late.id) \(late.name) is older than \(last.id) \(last.name), which was applied: give it a later id")
        }
    }

    /// Runs the body under the lock, on a connection that is closed afterwards, which gives the lock back in any case.
    private func locked<Value: Sendable>(_ body: (PostgresSession) async throws -> Value) async throws -> Value {
        try await client.session { session in
            let clock = ContinuousClock()
            let deadline = clock.now.advanced(by: lockTimeout)
            while try await session.query("select pg_try_advisory_lock(\(Self.lockKey), hashtext(coalesce(current_schema(), ''))) as mine").first?[
                "mine", as: Bool.self] != true
            {
                guard clock.now < deadline else {
                    throw StoreError(.migrationLocked, "another process has been migrating this database for \(lockTimeout)")
                }
                try await Task.sleep(for: .milliseconds(100))
            }
            try await session.query(
                """
                create table if not exists schema_migrations (
                    version text primary key, name text not null, checksum text not null, applied_at timestamptz not null default now())
                """)
            return try await body(session)
        }
    }
}
