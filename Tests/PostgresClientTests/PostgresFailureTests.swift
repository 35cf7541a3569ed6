import Foundation
import Logging
import PostgresClient
import Testing

@Suite(.enabled(if: Server.url != nil)) struct PostgresFailureTests {
    @Test("a connection that the server terminates fails its query and is replaced")
    func terminated() async throws {
        try await Server.withClient({ $0.sharedConnections = 1 }) { client in
            let first = try #require(try await client.query("select pg_backend_pid() as pid").first?["pid", as: Int32.self])
            let error = await postgresError { try await client.query("select pg_terminate_backend(pg_backend_pid()), pg_sleep(5)") }
            #expect(error?.code == .connectionLost)
            let second = try #require(try await client.query("select pg_backend_pid() as pid").first?["pid", as: Int32.self])
            #expect(first != second)
        }
    }

    @Test("an idle connection that the server terminates is replaced before the next query needs it")
    func terminatedIdle() async throws {
        try await Server.withClient { killer in
            try await Server.withClient({ $0.sharedConnections = 1 }) { client in
                for _ in 0..<3 {
                    let pid = try #require(try await client.query("select pg_backend_pid() as pid").first?["pid", as: Int32.self])
                    try await killer.query("select pg_terminate_backend(\(pid), 2000)")
                    let next = await postgresError { try await client.query("select 1") }
                    #expect(next == nil || next?.code == .connectionLost)
                    #expect(try await client.query("select 2 as n").first?["n", as: Int32.self] == 2)
                }
            }
        }
    }

    @Test("a transaction whose connection is terminated fails, and the next one works")
    func terminatedTransaction() async throws {
        try await Server.withClient({ $0.leasedConnections = 1 }) { client in
            let error = await postgresError {
                try await client.transaction { tx in
                    let pid = try #require(try await tx.query("select pg_backend_pid() as pid").first?["pid", as: Int32.self])
                    try await client.query("select pg_terminate_backend(\(pid), 2000)")
                    try await tx.query("select 1")
                }
            }
            #expect(error?.code == .connectionLost)
            try await client.transaction { tx in _ = try await tx.query("select 1") }
        }
    }

    @Test("a server that does not answer: the query fails within the acquire timeout and says why, without the password")
    func unreachable() async throws {
        let socket = Listener()
        let url = "postgres://ann:hunter2@127.0.0.1:\(socket.port)/shop"
        socket.close()  // from now on the port refuses
        var configuration = try PostgresClientConfiguration(url)
        configuration.acquireTimeout = .milliseconds(300)
        let client = try PostgresClient(configuration: configuration, logger: Logger(label: "test"))
        let error = await postgresError { try await client.query("select 1") }
        #expect(error?.code == .acquireTimeout)
        #expect(error?.message.contains("refused") == true)
        #expect(error?.message.contains("hunter2") == false)
        await client.shutdown()
    }

    @Test("a server that accepts and stays silent does not hold a query longer than the acquire timeout")
    func silent() async throws {
        let socket = Listener()
        defer { socket.close() }
        var configuration = try PostgresClientConfiguration("postgres://ann@127.0.0.1:\(socket.port)/shop?sslmode=disable")
        configuration.acquireTimeout = .milliseconds(300)
        configuration.connectTimeout = .milliseconds(100)
        let client = try PostgresClient(configuration: configuration, logger: Logger(label: "test"))
        #expect(await postgresError { try await client.query("select 1") }?.code == .acquireTimeout)
        await client.shutdown()
    }

    @Test("the server's statement timeout is typed and the connection stays")
    func statementTimeout() async throws {
        try await Server.withClient({ $0.statementTimeout = .milliseconds(100) }) { client in
            #expect(await postgresError { try await client.query("select pg_sleep(5)") }?.code == .queryCanceled)
            let answer = try await client.query("select 1 as n").first?["n", as: Int32.self]
            #expect(answer == 1)
        }
    }

    @Test("statements that queue behind each other on one connection are not taken for a silent server")
    func queueing() async throws {
        try await Server.withClient({
            $0.sharedConnections = 1
            $0.statementTimeout = .milliseconds(900)
            $0.silenceGrace = .milliseconds(50)
        }) { client in
            try await withThrowingTaskGroup(of: Void.self) { group in
                for _ in 0..<4 { group.addTask { try await client.query("select pg_sleep(0.4)") } }
                try await group.waitForAll()
            }
        }
    }

    @Test("shutdown lets what is under way finish and refuses what is new")
    func shutdown() async throws {
        let client = try PostgresClient(configuration: .init(try #require(Server.url)), logger: Logger(label: "test"))
        try await client.query("select 1")
        let (started, signal) = AsyncStream.makeStream(of: Void.self)
        let last = Task {
            try await client.transaction { tx in
                try await tx.query("select pg_sleep(0.1)")
                signal.finish()
                return try await tx.query("select 5 as n").first?["n", as: Int32.self]
            }
        }
        for await _ in started {}
        await client.shutdown()
        #expect(try await last.value == 5)
        #expect(await postgresError { try await client.query("select 1") }?.code == .closed)
        await client.shutdown()
    }

    @Test("shutdown gives up what outlives the grace")
    func impatient() async throws {
        var configuration = try PostgresClientConfiguration(try #require(Server.url))
        configuration.shutdownGrace = .milliseconds(100)
        let client = try PostgresClient(configuration: configuration, logger: Logger(label: "test"))
        try await client.query("select 1")
        async let slow = postgresError { try await client.query("select pg_sleep(20)") }
        async let end: Void = client.shutdown()
        #expect(await slow?.code == .closed)
        await end
    }

    @Test("a notification reaches its listener, and listening begins again after the connection broke")
    func notifications() async throws {
        try await Server.withClient { client in
            let channel = "test_\(UInt64.random(in: 0...UInt64.max))"
            try await within(.seconds(10), "the notifications") {
                var events = client.notifications(on: channel).makeAsyncIterator()
                #expect(await events.next() == .listening(channel: channel))
                try await client.query("select pg_notify(\(channel), \("one"))")
                #expect(await events.next() == .received(channel: channel, payload: "one"))
                try await client.query(
                    "select pg_terminate_backend(pid) from pg_stat_activity where query = \("listen \"\(channel)\"")")
                #expect(await events.next() == .listening(channel: channel))
                try await client.query("select pg_notify(\(channel), \("two"))")
                #expect(await events.next() == .received(channel: channel, payload: "two"))
            }
        }
    }
}

/// A loopback port that accepts connections and never answers.
private final class Listener: Sendable {
    let port: UInt16
    private let descriptor: Int32

    init() {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length)
                listen(descriptor, 8)
                getsockname(descriptor, generic, &length)
            }
            return UInt16(bigEndian: pointer.pointee.sin_port)
        }
        (self.descriptor, self.port) = (descriptor, port)
    }

    func close() { Glibc.close(descriptor) }
}
