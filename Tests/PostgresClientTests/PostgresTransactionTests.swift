import Foundation
import PostgresClient
import Synchronization
import Testing

private struct Unwanted: Error {}

@Suite(.enabled(if: Server.url != nil)) struct PostgresTransactionTests {
    private func count(_ client: PostgresClient, _ table: String) async throws -> Int64? {
        try await client.query("select count(*) as n from \(identifier: table)").first?["n", as: Int64.self]
    }

    @Test("a transaction commits when its closure returns")
    func commit() async throws {
        try await Server.withTable { client, table in
            let value = try await client.transaction(isolation: .serializable) { tx in
                try await tx.query("insert into \(identifier: table) values (\(1), \("a"))")
                try await tx.query("insert into \(identifier: table) values (\(2), \("b"))")
                return 7
            }
            #expect(value == 7)
            let remaining = try await count(client, table)
            #expect(remaining == 2)
        }
    }

    @Test("a transaction rolls back when its closure throws, and its connection is used again")
    func rollback() async throws {
        try await Server.withTable({ $0.leasedConnections = 1 }) { client, table in
            for id in 0..<3 {
                await #expect(throws: Unwanted.self) {
                    try await client.transaction { tx in
                        try await tx.query("insert into \(identifier: table) values (\(id), \("a"))")
                        throw Unwanted()
                    }
                }
            }
            let remaining = try await count(client, table)
            #expect(remaining == 0)
        }
    }

    @Test("a transaction whose task is cancelled rolls back, even in the middle of a statement")
    func cancellation() async throws {
        try await Server.withTable({ $0.leasedConnections = 1 }) { client, table in
            let (started, signal) = AsyncStream.makeStream(of: Void.self)
            let task = Task {
                try await client.transaction { tx in
                    try await tx.query("insert into \(identifier: table) values (\(1), \("a"))")
                    signal.finish()
                    try await tx.query("select pg_sleep(\(20.0))")
                }
            }
            for await _ in started {}
            task.cancel()
            await #expect(throws: CancellationError.self) { try await task.value }
            // The next one needs the only lease, and the row lock of the cancelled one must be gone.
            try await within(.seconds(10), "the next transaction") {
                try await client.transaction { tx in try await tx.query("insert into \(identifier: table) values (\(1), \("b"))") }
            }
            let remaining = try await count(client, table)
            #expect(remaining == 1)
        }
    }

    @Test("a commit after a failed statement that was swallowed is an error, not a success")
    func swallowed() async throws {
        try await Server.withTable { client, table in
            let error = await postgresError {
                try await client.transaction { tx in
                    try await tx.query("insert into \(identifier: table) values (\(1), \("a"))")
                    _ = try? await tx.query("select 1 / \(0)")
                }
            }
            #expect(error?.code == .transactionAborted)
            let remaining = try await count(client, table)
            #expect(remaining == 0)
        }
    }

    @Test("two serializable transactions that contradict each other: one fails with the typed code")
    func serialization() async throws {
        try await Server.withTable { client, table in
            try await client.query("insert into \(identifier: table) values (\(1), \("a"))")
            let error = await postgresError {
                try await client.transaction(isolation: .serializable) { tx in
                    try await tx.query("select * from \(identifier: table)")
                    try await client.transaction(isolation: .serializable) { other in
                        try await other.query("update \(identifier: table) set name = \("b")")
                    }
                    try await tx.query("update \(identifier: table) set name = \("c")")
                }
            }
            #expect(error?.code == .serializationFailure)
        }
    }

    @Test("a transaction that found no free connection in time fails with acquire timeout")
    func acquireTimeout() async throws {
        try await Server.withClient({
            $0.leasedConnections = 1
            $0.acquireTimeout = .seconds(2)
        }) { client in
            let error = try await client.transaction { _ in
                await postgresError { try await client.transaction { _ in } }
            }
            #expect(error?.code == .acquireTimeout)
            try await client.transaction { tx in _ = try await tx.query("select 1") }
        }
    }

    @Test("a transaction used after its closure returned is refused")
    func ended() async throws {
        try await Server.withClient { client in
            let kept = try await client.transaction { $0 }
            #expect(await postgresError { try await kept.query("select 1") }?.code == .transactionEnded)
        }
    }

    @Test("a transaction that the server ended for another's sake is run again as often as it may be", arguments: ["40P01", "40001"])
    func retries(_ state: String) async throws {
        try await Server.withTable { client, table in
            for (allowed, ends) in [(1, 1), (0, 1), (1, 2)] {
                let runs = Mutex(0)
                let result: Result<Void, any Error>
                do {
                    try await client.transaction(retries: allowed) { tx in
                        let run = runs.withLock { count in
                            count += 1
                            return count
                        }
                        try await tx.query("insert into \(identifier: table) values (\(1), \("a"))")
                        if run <= ends { try await tx.script("do $$ begin raise exception using errcode = '\(state)'; end $$") }
                        try await tx.query("delete from \(identifier: table)")
                    }
                    result = .success(())
                } catch { result = .failure(error) }
                #expect(runs.withLock { $0 } == allowed + 1)
                #expect((ends <= allowed) == ((try? result.get()) != nil))
                let remaining = try await count(client, table)
                #expect(remaining == 0)
            }
        }
    }

    @Test("a session keeps its lock across transactions and its connection is not used again")
    func session() async throws {
        try await Server.withClient { client in
            let key = Int64.random(in: 0...Int64.max)
            try await client.session { session in
                try await session.query("select pg_advisory_lock(\(key))")
                try await session.transaction { tx in try await tx.script("select 1; select 2 as b;") }
                let row = try await client.query("select pg_try_advisory_lock(\(key)) as mine").first
                #expect(try row?["mine", as: Bool.self] == false)
            }
            let isFree = try await within(.seconds(10), "the lock") {
                while try await client.query(
                    "select count(*) as n from pg_locks where locktype = 'advisory' and objid = (\(key) & 4294967295)::oid and classid = (\(key) >> 32)::oid"
                )
                .first?["n", as: Int64.self] != 0 { await Task.yield() }
                return true
            }
            #expect(isFree)
        }
    }
}
