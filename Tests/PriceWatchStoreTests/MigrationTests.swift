import Foundation
import PostgresClient
import Testing

@testable import PriceWatchStore

private func migration(_ id: String, _ name: String, up: String, down: String = "") throws -> Migration {
    try Migration(bytes: Array("-- migration \(id) \(name)\n\n-- up\n\(up)\n-- down\n\(down)\n".utf8))
}

@Suite struct MigrationFileTests {
    private static let directory = URL(fileURLWithPath: #filePath).deletingLastPathComponent().appendingPathComponent(
        "../../Sources/PriceWatch/PriceWatchStore")

    @Test("every file of the directory is embedded, under its own id and name, in order")
    func complete() throws {
        let files = try FileManager.default.contentsOfDirectory(atPath: Self.directory.appendingPathComponent("Migrations").path)
        let embedded = try Migration.embedded()
        #expect(embedded.map { "\($0.id)_\($0.name).sql" } == files.filter { $0.hasSuffix(".sql") }.sorted())
        for migration in embedded {
            let file = try Data(contentsOf: Self.directory.appendingPathComponent("Migrations/\(migration.id)_\(migration.name).sql"))
            #expect(try Migration(bytes: Array(file)) == migration)
        }
    }

    @Test(
        "a file without its head or sections is refused",
        arguments: [
            "", "select 1", "-- migration 1 x\n-- up\n-- down", "-- migration 0001 Upper\n-- up\n-- down", "-- migration 0001 x\n-- up\n",
            "-- migration 0001 x\n-- down\n-- up\n",
        ])
    func malformed(text: String) {
        let error = #expect(throws: StoreError.self) { try Migration(bytes: Array(text.utf8)) }
        #expect(error?.code == .malformedMigration)
    }

    @Test("a new migration gets the next id and its line in the catalogue")
    func new() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("migrations-\(UInt64.random(in: 0...UInt64.max))")
        defer { try? FileManager.default.removeItem(at: folder) }
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        try FileManager.default.copyItem(at: Self.directory.appendingPathComponent("Migrations"), to: folder.appendingPathComponent("Migrations"))
        try FileManager.default.copyItem(
            at: Self.directory.appendingPathComponent("Migration+Catalog.swift"), to: folder.appendingPathComponent("Migration+Catalog.swift"))
        let count = try Migration.embedded().count
        let path = try Migration.create(named: "add_colour", in: folder.path)
        let written = try Migration(bytes: Array(try Data(contentsOf: URL(fileURLWithPath: path))))
        #expect(Int(written.id) == count + 1)
        #expect(written.name == "add_colour")
        #expect(!written.isReversible)
        let catalogue = try String(contentsOf: folder.appendingPathComponent("Migration+Catalog.swift"), encoding: .utf8)
        #expect(catalogue.contains("PackageResources._\(written.id.dropFirst())_add_colour_sql,"))
        #expect(throws: StoreError.self) { try Migration.create(named: "../x", in: folder.path) }
    }
}

@Suite(.enabled(if: Schema.url != nil)) struct MigratorTests {
    @Test("migrating up, down and up again ends in the same schema")
    func roundTrip() async throws {
        try await Schema.withClient { client in
            let migrator = try Migrator(client: client)
            let count = try Migration.embedded().count
            #expect(try await migrator.status().allSatisfy { $0.state == .pending })
            #expect(try await migrator.up().count == count)
            let first = try await Self.shape(client)
            #expect(first.count > 40)
            #expect(try await migrator.up().isEmpty)
            #expect(try await migrator.status().allSatisfy { $0.state == .applied && $0.appliedAt != nil })
            #expect(try await migrator.down(count).count == count)
            let tables = try await client.query("select table_name from information_schema.tables where table_schema = current_schema()")
            #expect(try tables.map { try $0["table_name", as: String.self] } == ["schema_migrations"])
            #expect(try await migrator.up().count == count)
            #expect(try await Self.shape(client) == first)
        }
    }

    private static func shape(_ client: PostgresClient) async throws -> [String] {
        try await client.query(
            """
            select table_name || '.' || column_name || ' ' || data_type || ' ' || is_nullable as line
            from information_schema.columns where table_schema = current_schema() order by 1
            """
        ).map { try $0["line", as: String.self] }
    }

    @Test("a migration that was changed after it was applied is refused by name, and nothing runs")
    func changed() async throws {
        try await Schema.withClient { client in
            _ = try await Migrator(client: client, migrations: [migration("0001", "one", up: "create table a ();")]).up()
            let migrator = try Migrator(
                client: client, migrations: [migration("0001", "one", up: "create table b ();"), migration("0002", "two", up: "create table c ();")])
            let error = await #expect(throws: StoreError.self) { try await migrator.up() }
            #expect(error?.code == .changedMigration)
            #expect(error?.message.contains("0001 one") == true)
            #expect(try await migrator.status().map(\.state) == [.changed, .pending])
            let c = try await client.query("select to_regclass('c') is null as absent").first?["absent", as: Bool.self]
            #expect(c == true)
        }
    }

    @Test("a migration that the program does not have is refused by name")
    func missing() async throws {
        try await Schema.withClient { client in
            let one = try migration("0001", "one", up: "create table a ();")
            _ = try await Migrator(client: client, migrations: [one, migration("0002", "two", up: "create table b ();")]).up()
            let migrator = try Migrator(client: client, migrations: [one])
            let error = await #expect(throws: StoreError.self) { try await migrator.up() }
            #expect(error?.code == .missingMigration)
            #expect(error?.message.contains("0002 two") == true)
            #expect(try await migrator.status().map(\.state) == [.applied, .missing])
        }
    }

    @Test("a migration older than the newest applied one is refused")
    func late() async throws {
        try await Schema.withClient { client in
            let three = try migration("0003", "three", up: "create table c ();")
            _ = try await Migrator(client: client, migrations: [three]).up()
            let migrator = try Migrator(client: client, migrations: [migration("0002", "two", up: "create table b ();"), three])
            let error = await #expect(throws: StoreError.self) { try await migrator.up() }
            #expect(error?.code == .lateMigration)
        }
    }

    @Test("a migration that fails half-way leaves nothing of itself, and the ones before it stay")
    func failing() async throws {
        try await Schema.withClient { client in
            let migrator = try Migrator(
                client: client,
                migrations: [migration("0001", "one", up: "create table a ();"), migration("0002", "two", up: "create table b (); select 1/0;")])
            await #expect(throws: PostgresError.self) { try await migrator.up() }
            #expect(try await migrator.status().map(\.state) == [.applied, .pending])
            let b = try await client.query("select to_regclass('b') is null as absent").first?["absent", as: Bool.self]
            #expect(b == true)
            let error = await #expect(throws: StoreError.self) { try await migrator.down() }
            #expect(error?.code == .irreversibleMigration)
        }
    }

    @Test("two processes that migrate at once apply each migration once")
    func concurrent() async throws {
        try await Schema.withClient { client in
            let done = try await withThrowingTaskGroup(of: Int.self) { group in
                for _ in 0..<4 { group.addTask { try await Migrator(client: client).up().count } }
                return try await group.reduce(0, +)
            }
            #expect(done == (try Migration.embedded().count))
        }
    }
}
