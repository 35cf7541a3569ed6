import Foundation
import Logging
import PostgresClient
import Testing

@Suite(.enabled(if: Server.url != nil)) struct PostgresClientTests {
    @Test("every type comes back as it was sent, null included")
    func types() async throws {
        try await Server.withClient { client in
            let date = Date(timeIntervalSince1970: 1_795_403_460.25)
            let none: Int64? = nil
            let rows = try await client.query(
                """
                select \(Int64.max) as big, \(Int32.min) as small, \(true) as flag, \(1.5) as double, \("héllo 'x'") as text, \
                \([0, 255, 39] as [UInt8]) as bytes, \(date) as moment, \(PostgresJSON(#"{"a": 1}"#)) as json, \([1, -2] as [Int64]) as numbers, \
                \(["a", "b\"c,\\", ""]) as names, \(none) as nothing
                """)
            let row = try #require(rows.first)
            #expect(try row["big", as: Int64.self] == .max)
            #expect(try row["small", as: Int32.self] == .min)
            #expect(try row["flag", as: Bool.self])
            #expect(try row["double", as: Double.self] == 1.5)
            #expect(try row["text", as: String.self] == "héllo 'x'")
            #expect(try row["bytes", as: [UInt8].self] == [0, 255, 39])
            #expect(try row["moment", as: Date.self] == date)
            #expect(try row["json", as: PostgresJSON.self].text == #"{"a": 1}"#)
            #expect(try row["numbers", as: [Int64].self] == [1, -2])
            #expect(try row["names", as: [String].self] == ["a", "b\"c,\\", ""])
            #expect(try row["nothing", as: Int64?.self] == nil)
        }
    }

    @Test("a decoding error names column and type")
    func decoding() async throws {
        try await Server.withClient { client in
            let row = try #require(try await client.query("select null::bigint as price, 'x' as word").first)
            for column in ["price", "word", "absent"] {
                let error = #expect(throws: PostgresError.self) { try row.decode(Int64.self, at: column) }
                #expect(error?.code == .decoding)
                #expect(error?.column == column)
            }
        }
    }

    @Test("what looks like SQL in a value stays a value", arguments: ["'; drop table t; --", "\\'; select 1", "$1", "%s", "\" or 1=1"])
    func injection(text: String) async throws {
        try await Server.withTable { client, table in
            try await client.query("insert into \(identifier: table) values (\(1), \(text))")
            let rows = try await client.query("select name from \(identifier: table) where name = \(text)")
            #expect(try rows.map { try $0["name", as: String.self] } == [text])
        }
    }

    @Test("a NUL character is refused and the connection goes on")
    func nul() async throws {
        try await Server.withClient { client in
            #expect(await postgresError { try await client.query("select \("a\0b")") }?.code == .invalidValue)
            let answer = try await client.query("select 1 as one").first?["one", as: Int32.self]
            #expect(answer == 1)
        }
    }

    @Test("a thousand concurrent queries on two connections each get their own answer")
    func pipelining() async throws {
        try await Server.withClient { client in
            let answers = try await withThrowingTaskGroup(of: (Int, Int).self) { group in
                for number in 0..<1000 {
                    group.addTask {
                        if number % 10 == 3 {
                            let error = await postgresError { try await client.query("select 1 / \(0)") }
                            return (number, error?.sqlState == "22012" ? number : -1)
                        }
                        let row = try await client.query("select \(number) as n").first
                        return (number, try row?["n", as: Int.self] ?? -1)
                    }
                }
                return try await group.reduce(into: [(Int, Int)]()) { $0.append($1) }
            }
            #expect(answers.count == 1000)
            #expect(answers.allSatisfy { $0.0 == $0.1 })
        }
    }

    @Test("a result larger than any buffer arrives whole, and so does such a parameter")
    func large() async throws {
        try await Server.withClient { client in
            let text = String(repeating: "ж", count: 4_000_000)
            let row = try #require(try await client.query("select \(text) || 'x' as text").first)
            #expect(try row["text", as: String.self] == text + "x")
        }
    }

    @Test("violated constraints are typed, name the constraint and quote no data")
    func constraints() async throws {
        try await Server.withTable { client, table in
            try await client.query("insert into \(identifier: table) values (\(1), \("secret"))")
            let unique = await postgresError { try await client.query("insert into \(identifier: table) values (\(1), \("secret"))") }
            #expect(unique?.code == .uniqueViolation)
            #expect(unique?.constraint == "\(table)_pkey")
            #expect(unique?.sqlState == "23505")
            #expect(unique.map { "\($0)".contains("secret") } == false)
            let none: String? = nil
            let null = await postgresError { try await client.query("insert into \(identifier: table) values (\(2), \(none))") }
            #expect(null?.code == .notNullViolation)
            #expect(null?.column == "name")
            let invalid = await postgresError { try await client.query("select \("secret")::integer") }
            #expect(invalid?.sqlState == "22P02")
            #expect(invalid.map { "\($0)".contains("secret") } == false)
            let syntax = await postgresError { try await client.query("selct secret") }
            #expect(syntax?.sqlState == "42601")
            #expect(syntax.map { "\($0)".contains("selct") } == false)
        }
    }

    @Test("a statement that fails to prepare can be sent again once it is right")
    func preparing() async throws {
        try await Server.withTable { client, table in
            let query = PostgresQuery(stringLiteral: "select count(*) as n from \(table)_2")
            #expect(await postgresError { try await client.query(query) }?.sqlState == "42P01")
            try await client.query("create table \(identifier: table + "_2") (id bigint)")
            for _ in 0..<4 { #expect(try await client.query(query).first?["n", as: Int64.self] == 0) }
            try await client.query("drop table \(identifier: table + "_2")")
        }
    }

    @Test("a prepared statement survives a change of its table's columns")
    func columns() async throws {
        try await Server.withTable { client, table in
            let query = PostgresQuery(stringLiteral: "select * from \(table)")
            for _ in 0..<4 { #expect(try await client.query(query).columns == ["id", "name"]) }
            try await client.query("alter table \(identifier: table) add column more integer")
            for _ in 0..<4 { #expect(try await client.query(query).columns == ["id", "name", "more"]) }
        }
    }

    @Test("a query that is cancelled while it runs ends at once and the others go on")
    func cancellation() async throws {
        try await Server.withClient { watcher in
            try await Server.withClient { client in
                let mark = Int64.random(in: 0...Int64.max)
                let sleeper = Task { try await client.query(PostgresQuery(unsafeSQL: "select pg_sleep(8), \(mark)")) }
                try await within(.seconds(8), "the statement's start") {
                    let running: PostgresQuery = """
                        select count(*) as n from pg_stat_activity where state = 'active' and pid <> pg_backend_pid() and position(\(String(mark)) in query) > 0
                        """
                    while try await watcher.query(running).first?["n", as: Int.self] == 0 { await Task.yield() }
                }
                let start = ContinuousClock.now
                sleeper.cancel()
                await #expect(throws: CancellationError.self) { try await sleeper.value }
                #expect(start.duration(to: .now) < .seconds(5))
                #expect(try await client.query("select 2 as n").first?["n", as: Int32.self] == 2)
            }
        }
    }

    @Test("more waiting queries than allowed are refused")
    func bound() async throws {
        try await Server.withClient({ $0.maximumWaiting = 2 }) { client in
            let codes = try await withThrowingTaskGroup(of: PostgresError.Code?.self) { group in
                for _ in 0..<20 { group.addTask { await postgresError { try await client.query("select pg_sleep(0.05)") }?.code } }
                return try await group.reduce(into: [PostgresError.Code?]()) { $0.append($1) }
            }
            #expect(codes.contains(.tooManyWaiting))
            #expect(codes.allSatisfy { $0 == nil || $0 == .tooManyWaiting })
        }
    }
}
