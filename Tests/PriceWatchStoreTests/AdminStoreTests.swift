import Foundation
import PostgresClient
import PriceWatchModel
import Testing

@testable import PriceWatchStore

@Suite struct PasswordHasherTests {
    @Test("a password is verified against its hash and no other")
    func verifying() async throws {
        let hasher = PasswordHasher()
        let hash = try await hasher.hash("correct horse")
        #expect(PasswordHasher.parse(hash)?.0 == PasswordHasher.current)
        #expect(!hasher.isOutdated(hash))
        #expect(hasher.isOutdated("$scrypt$ln=10,r=8,p=1$AAAA$\(String(repeating: "A", count: 43))="))
        #expect(try await hasher.verify("correct horse", against: hash))
        #expect(try await !hasher.verify("correct horsf", against: hash))
        #expect(try await !hasher.verify("correct horse", against: nil))
        #expect(try await hasher.hash("correct horse") != hash)
    }

    @Test("the derivation is RFC 7914's: its third test vector")
    func vector() async throws {
        // scrypt("pleaseletmein", "SodiumChloride", N=16384, r=8, p=1), of which the first 32 bytes
        let key = "7023bdcb3afd7348461c06cd81fd38ebfda8fbba904f8e3ea9b543f6545da1f2"
        var bytes: [UInt8] = []
        for index in stride(from: 0, to: key.utf8.count, by: 2) {
            bytes.append(try #require(UInt8(key.dropFirst(index).prefix(2), radix: 16)))
        }
        let stored = "$scrypt$ln=14,r=8,p=1$\(Data("SodiumChloride".utf8).base64EncodedString())$\(Data(bytes).base64EncodedString())"
        #expect(try await PasswordHasher().verify("pleaseletmein", against: stored))
    }

    @Test(
        "what is no hash of ours, or costs too much, verifies nothing",
        arguments: ["", "plain", "$scrypt$ln=15,r=8,p=3$AA==$AA==", "$scrypt$ln=30,r=8,p=1$AA==$", "$scrypt$r=8,ln=15,p=3$AA==$AA=="])
    func malformed(text: String) { #expect(PasswordHasher.parse(text) == nil) }
}

@Suite(.enabled(if: Schema.url != nil)) struct AdminStoreTests {
    private let actor = AdminActor(name: "root", address: "127.0.0.1")

    @Test("accounts: the first is made once, names ignore case, a wrong password and an unknown name are refused")
    func accounts() async throws {
        try await Schema.withDatabase { database in
            let accounts = database.adminAccounts
            let made = try await withThrowingTaskGroup(of: AdminAccount?.self) { group in
                for _ in 0..<3 { group.addTask { try await accounts.createFirstAccount(name: "Root", password: "a long password") } }
                return try await group.reduce(into: [AdminAccount]()) { if let account = $1 { $0.append(account) } }
            }
            #expect(made.map(\.role) == [.editor])
            #expect(try await accounts.createAccount(name: "ROOT", password: "x", role: .viewer) == nil)
            #expect(try await accounts.authenticate(name: "root", password: "a long password") == made.first)
            #expect(try await accounts.authenticate(name: "root", password: "another") == nil)
            #expect(try await accounts.authenticate(name: "nobody\0", password: "a long password") == nil)
            try await database.client.query("update admin_accounts set is_disabled = true")
            #expect(try await accounts.authenticate(name: "root", password: "a long password") == nil)
        }
    }

    @Test("a session ends by idleness, by age, by sign-out and by a new password")
    func sessions() async throws {
        try await Schema.withDatabase { database in
            let account = try #require(try await database.adminAccounts.createFirstAccount(name: "root", password: "p"))
            let sessions = database.adminSessions
            let token = [UInt8](repeating: 7, count: 32)
            func current() async throws -> AdminAccount? {
                let isOpen = try await sessions.isOpen(tokenHash: token, idle: .seconds(60), age: .seconds(3600))
                let account = try await sessions.session(tokenHash: token, idle: .seconds(60), age: .seconds(3600))
                #expect(isOpen == (account != nil), "both ways to ask give one answer")
                return account
            }
            try await sessions.openSession(tokenHash: token, account: account.id)
            #expect(try await current() == account)
            #expect(try await sessions.session(tokenHash: [UInt8](repeating: 8, count: 32), idle: .seconds(60), age: .seconds(60)) == nil)
            try await database.client.query("update admin_sessions set used_at = now() - interval '61 seconds'")
            #expect(try await current() == nil)
            try await database.client.query("update admin_sessions set used_at = now() - interval '50 seconds'")
            _ = try await sessions.isOpen(tokenHash: token, idle: .seconds(60), age: .seconds(3600))
            let untouched = try await database.client.query("select 1 from admin_sessions where used_at < now() - interval '49 seconds'")
            #expect(untouched.count == 1, "looking whether it is open is no use of it")
            try await database.client.query("update admin_sessions set used_at = now(), opened_at = now() - interval '2 hours'")
            #expect(try await current() == nil)
            try await database.client.query("update admin_sessions set opened_at = now()")
            #expect(try await current() == account)
            #expect(try await database.adminAccounts.setPassword(name: "root", password: "q"))
            #expect(try await current() == nil)
            try await sessions.openSession(tokenHash: token, account: account.id)
            try await sessions.closeSession(tokenHash: token)
            #expect(try await current() == nil)
        }
    }

    @Test("API tokens are found by hash until they are revoked, and a name is taken once")
    func tokens() async throws {
        try await Schema.withDatabase { database in
            let hash = [UInt8](repeating: 1, count: 32)
            let allowance = JobAllowance(
                jobs: Set(["shop.*", "report"].compactMap(JobNamePattern.init)), queues: Set(["checks"].compactMap(QueueName.init)))
            let token = APIToken(id: 0, name: "shop", scopes: [.read, .jobs], chatID: 5, allowance: allowance)
            let stored = try await database.tokens.addToken(token, sha256: hash)
            #expect(try await database.tokens.token(sha256: hash) == stored)
            await #expect(throws: StoreRefusal.nameTaken("shop")) { try await database.tokens.addToken(token, sha256: [UInt8](repeating: 2, count: 32)) }
            #expect(try await database.tokens.tokens() == [stored])
            try await database.client.query("update api_tokens set allowed_jobs = array_append(allowed_jobs, 'a b'), allowed_queues = '{a:b}'")
            #expect(try await database.tokens.token(sha256: hash)?.allowance == JobAllowance(jobs: allowance.jobs))
            #expect(try await database.tokens.revokeToken(named: "shop"))
            #expect(try await database.tokens.token(sha256: hash) == nil)
            #expect(try await !database.tokens.revokeToken(named: "shop"))
        }
    }

    @Test("a token is made with nothing allowed; the admin changes its lists and ends it")
    func tokenRights() async throws {
        try await Schema.withDatabase { database in
            let hash = [UInt8](repeating: 1, count: 32)
            let id = try await database.tokens.addToken(APIToken(id: 0, name: "shop", scopes: [.jobs]), sha256: hash).id
            #expect(try await database.tokens.token(sha256: hash)?.allowance == .nothing)
            func change(_ changes: [String: AdminValue]) async throws {
                let row = try #require(try await database.adminTables.row(.apiTokens, id: id))
                try await database.adminTables.update(.apiTokens, id: id, version: row.version, changes: changes, by: actor)
            }
            try await change(["allowed_jobs": .text("report.* shop"), "allowed_queues": .text("checks")])
            let allowance = try #require(try await database.tokens.token(sha256: hash)).allowance
            #expect(allowance.jobs.map(\.text).sorted() == ["report.*", "shop"] && allowance.queues.map(\.text) == ["checks"])
            #expect(try await database.adminTables.row(.apiTokens, id: id)?["allowed_jobs"] == .text("report.* shop"))
            try await change(["allowed_jobs": .null, "allowed_queues": .null])
            #expect(try await database.tokens.token(sha256: hash)?.allowance == .nothing)
            await #expect(throws: AdminRefusal.notEditable) { try await change(["scopes": .text("service")]) }
            try await change(["revoked_at": .instant(1)])
            #expect(try await database.tokens.token(sha256: hash) == nil)
        }
    }

    @Test("every table can be listed by every column, searched and read", arguments: AdminTable.allCases)
    func lists(table: AdminTable) async throws {
        try await Schema.withDatabase { database in
            let added = try await database.prices.follow(77)
            _ = try await database.prices.record(.sample(1), forProduct: added.watch.product.id, asker: nil)
            try await database.adminTables.record(action: "login", target: "root", detail: "ok", by: actor)
            try await database.client.query(
                """
                insert into price_days (product_id, day, currency, low_minor, high_minor, last_minor, availability, points, last_seen_at)
                select id, date '2026-01-01', currency, 1, 3, 2, availability, 4, timestamptz '2026-01-01 20:00:00+00' from products
                """)
            _ = try await database.tokens.addToken(APIToken(id: 0, name: "shop", scopes: [.read, .jobs]), sha256: [UInt8](repeating: 1, count: 32))
            for column in AdminTableDefinition.of(table).columns {
                for descending in [true, false] {
                    let page = try await database.adminTables.list(table, AdminQuery(sort: column.name, descending: descending))
                    #expect(page.total >= 1 && page.rows.count == page.total)
                    let row = try #require(page.rows.first)
                    #expect(Set(row.values.keys) == Set(AdminTableDefinition.of(table).columns.map(\.name)))
                    #expect(try await database.adminTables.row(table, id: row.id) == row)
                    let filtered = try await database.adminTables.list(table, AdminQuery(filters: [column.name: row[column.name]]))
                    #expect(filtered.rows.contains { $0.id == row.id })
                }
            }
            #expect(try await database.adminTables.list(table, AdminQuery(search: "no such thing %")).total == 0)
            let injected = AdminQuery(sort: "id; drop table users")
            await #expect(throws: AdminRefusal.invalid(column: "id; drop table users")) { try await database.adminTables.list(table, injected) }
        }
    }

    @Test("a search finds text in any case and numbers as ids; wildcards have no meaning")
    func search() async throws {
        try await Schema.withDatabase { database in
            let product = try await database.prices.follow(77, .sample(name: "Чайник 50%")).watch.product
            _ = try await database.prices.follow(77, .sample(url: "https://shop.example/2", name: "Cup"))
            func found(_ text: String) async throws -> [Int64] {
                try await database.adminTables.list(.products, AdminQuery(search: text)).rows.map(\.id)
            }
            #expect(try await found("ЧАЙНИК") == [product.id])
            #expect(try await found("50%") == [product.id])
            #expect(try await found("%") == [product.id])
            #expect(try await database.adminTables.list(.users, AdminQuery(search: "77")).total == 1)
        }
    }

    @Test("a change writes what was and is into the audit; the same change again writes nothing")
    func update() async throws {
        try await Schema.withDatabase { database in
            let id = try await database.prices.follow(77).watch.product.id
            let tables = database.adminTables
            let row = try #require(try await tables.row(.products, id: id))
            let changes: [String: AdminValue] = ["price_minor": .integer(5), "image_url": .null, "next_check_at": .instant(1_795_403_460_250_001)]
            try await tables.update(.products, id: id, version: row.version, changes: changes, by: actor)
            let changed = try #require(try await tables.row(.products, id: id))
            for (column, value) in changes { #expect(changed[column] == value) }
            let audit = try await tables.list(.audit, AdminQuery()).rows
            #expect(audit.count == 1)
            #expect(audit.first?["actor"] == .text("root"))
            #expect(audit.first?["row_id"] == .integer(id))
            guard case .text(let before)? = audit.first?["before"] else { throw AdminRefusal.gone }
            #expect(before.contains("\"price_minor\": 129900"))
            #expect(!before.contains("canonical_url"))
            try await tables.update(.products, id: id, version: changed.version, changes: ["price_minor": .integer(5)], by: actor)
            #expect(try await tables.list(.audit, AdminQuery()).total == 1)
            await #expect(throws: AdminRefusal.conflict) {
                try await tables.update(.products, id: id, version: row.version, changes: ["price_minor": .integer(6)], by: actor)
            }
            await #expect(throws: AdminRefusal.gone) {
                try await tables.update(.products, id: id + 99, version: row.version, changes: ["price_minor": .integer(6)], by: actor)
            }
        }
    }

    @Test(
        "a value that the database does not take is refused by its column",
        arguments: [
            ("price_minor", AdminValue.integer(0)), ("price_minor", .text("x")), ("currency", .text("roubles")), ("currency", .text("rub")),
            ("availability", .text("maybe")), ("name", .null), ("name", .text("")), ("name", .text("a\0b")),
        ])
    func invalid(column: String, value: AdminValue) async throws {
        try await Schema.withDatabase { database in
            let id = try await database.prices.follow(77).watch.product.id
            let row = try #require(try await database.adminTables.row(.products, id: id))
            await #expect(throws: AdminRefusal.invalid(column: column)) {
                try await database.adminTables.update(.products, id: id, version: row.version, changes: [column: value], by: actor)
            }
        }
    }

    @Test("what is taken, missing or not to be edited is refused")
    func refusals() async throws {
        try await Schema.withDatabase { database in
            let one = try await database.prices.follow(77)
            let two = try await database.prices.follow(77, .sample(url: "https://shop.example/2"))
            let tables = database.adminTables
            let row = try #require(try await tables.row(.products, id: one.watch.product.id))
            await #expect(throws: AdminRefusal.notUnique(column: "canonical_url")) {
                try await tables.update(.products, id: row.id, version: row.version, changes: ["canonical_url": .text("https://shop.example/2")], by: actor)
            }
            await #expect(throws: AdminRefusal.notEditable) {
                try await tables.update(.products, id: row.id, version: row.version, changes: ["failures": .integer(1)], by: actor)
            }
            await #expect(throws: AdminRefusal.missingReference(column: "product_id")) {
                _ = try await tables.create(.watches, values: ["user_id": .integer(one.watch.userID), "product_id": .integer(999)], by: actor)
            }
            await #expect(throws: AdminRefusal.notUnique(column: "product_id")) {
                let values: [String: AdminValue] = ["user_id": .integer(one.watch.userID), "product_id": .integer(two.watch.product.id)]
                _ = try await tables.create(.watches, values: values, by: actor)
            }
            await #expect(throws: AdminRefusal.notEditable) { _ = try await tables.create(.users, values: ["name": .text("x")], by: actor) }
            await #expect(throws: AdminRefusal.notEditable) { try await tables.delete(.audit, id: 1, version: "1", by: actor) }
        }
    }

    @Test("a price point can be added; deleting a product takes its history and watches with it")
    func createAndDelete() async throws {
        try await Schema.withDatabase { database in
            let id = try await database.prices.follow(77).watch.product.id
            let tables = database.adminTables
            let point = try await tables.create(
                .pricePoints,
                values: [
                    "product_id": .integer(id), "price_minor": .integer(3), "currency": .text("RUB"), "availability": .text("in_stock"),
                    "seen_at": .instant(1_000_000),
                ], by: actor)
            #expect(try await tables.row(.pricePoints, id: point)?["seen_at"] == .instant(1_000_000))
            let row = try #require(try await tables.row(.products, id: id))
            try await tables.delete(.products, id: id, version: row.version, by: actor)
            #expect(try await tables.list(.pricePoints, AdminQuery()).total == 0)
            #expect(try await tables.list(.watches, AdminQuery()).total == 0)
            #expect(try await tables.list(.audit, AdminQuery()).rows.map { $0["action"] } == [.text("delete"), .text("create")])
        }
    }
}
