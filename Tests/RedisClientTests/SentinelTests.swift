import Foundation
import Logging
import NIOCore
import NIOPosix
import Synchronization
import Testing

@testable import RedisClient

/// A master, a replica and three sentinels of a test's own, on free ports of the loopback.
final class SentinelGroup: Sendable {
    static let server = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"].first { FileManager.default.isExecutableFile(atPath: $0) }

    let servers: [OwnRedis]
    let sentinels: [OwnRedis]

    private init(servers: [OwnRedis], sentinels: [OwnRedis]) {
        self.servers = servers
        self.sentinels = sentinels
    }

    /// - Parameter password: that of the sentinels; the servers have none.
    static func with(password: String? = nil, _ body: @Sendable (SentinelGroup) async throws -> Void) async throws {
        let master = try await OwnRedis.start([])
        let replica = try await OwnRedis.start(["--replicaof", "127.0.0.1", String(master.port)])
        var sentinels: [OwnRedis] = []
        defer { for server in [master, replica] + sentinels { server.end() } }
        for _ in 0..<3 { sentinels.append(try await OwnRedis.startSentinel(of: master.port, password: password)) }
        let group = SentinelGroup(servers: [master, replica], sentinels: sentinels)
        try await group.untilReady(password)
        try await body(group)
    }

    /// Sentinels first, so that a test can put others in front.
    func configuration(masterName: String = "mine", password: String? = nil) -> RedisConfiguration {
        let hosts = sentinels.map { RedisSentinels.Host("127.0.0.1", port: $0.port) }
        return RedisConfiguration(address: .sentinel(RedisSentinels(hosts: hosts, masterName: masterName, password: password)))
    }

    /// A sentinel fails over only when it knows the replica and the other sentinels.
    private func untilReady(_ password: String?) async throws {
        for sentinel in sentinels {
            try await TestServer.eventually("the sentinel knows the group") {
                guard let connection = try? await sentinel.connect(password) else { return false }
                let reply = try await connection.send(RedisCommand("SENTINEL", "MASTER", "mine")).asPairs()
                await connection.close()
                let fields = Dictionary(reply.compactMap { pair in pair.field.string.map { ($0, pair.value.string ?? "") } }) { $1 }
                return fields["num-slaves"] == "1" && fields["num-other-sentinels"] == "2"
            }
        }
    }
}

/// A Redis process of a test's own, without persistence.
final class OwnRedis: Sendable {
    let port: Int
    private let pid: Int32
    private let folder: URL

    private init(port: Int, pid: Int32, folder: URL) {
        self.port = port
        self.pid = pid
        self.folder = folder
    }

    static func start(_ options: [String]) async throws -> OwnRedis {
        try await launch(["--save", "", "--appendonly", "no", "--repl-diskless-sync-delay", "0"] + options, sentinel: nil)
    }

    static func startSentinel(of master: Int, password: String?) async throws -> OwnRedis {
        let lines = [
            "sentinel monitor mine 127.0.0.1 \(master) 2", "sentinel down-after-milliseconds mine 500", "sentinel failover-timeout mine 3000",
            "sentinel parallel-syncs mine 1",
        ]
        let secret = password.map { ["requirepass \($0)", "sentinel sentinel-pass \($0)"] } ?? []
        return try await launch([], sentinel: lines + secret)
    }

    private static func launch(_ options: [String], sentinel: [String]?) async throws -> OwnRedis {
        let path = try #require(SentinelGroup.server)
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("apium-redis-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        let port = try await freePort()
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        let common = ["--port", String(port), "--bind", "127.0.0.1", "--dir", folder.path, "--loglevel", "warning"]
        if let sentinel {
            let file = folder.appendingPathComponent("sentinel.conf")
            try Data((["port \(port)", "bind 127.0.0.1", "dir \(folder.path)"] + sentinel).joined(separator: "\n").appending("\n").utf8).write(to: file)
            process.arguments = [file.path, "--sentinel"]
        } else {
            process.arguments = common + options
        }
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let server = OwnRedis(port: port, pid: process.processIdentifier, folder: folder)
        try await TestServer.eventually("the server on port \(port) listens") { await server.listens() }
        return server
    }

    @discardableResult
    func connect(_ password: String?) async throws -> RedisConnection {
        try await RedisConnection.connect(RedisConfiguration(address: .tcp(host: "127.0.0.1", port: port), password: password), logger: TestServer.logger)
    }

    /// Whether the port answers, be it that a password is wanted.
    private func listens() async -> Bool {
        do {
            try await connect(nil).close()
            return true
        } catch {
            return (error as? RedisClientError)?.code == .authenticationFailed
        }
    }

    func kill() { Foundation.kill(pid, SIGKILL) }

    func end() {
        kill()
        try? FileManager.default.removeItem(at: folder)
    }

    private static func freePort() async throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let port = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
                bind(descriptor, raw, length) == 0 && getsockname(descriptor, raw, &length) == 0
            }
        }
        try #require(port)
        return Int(UInt16(bigEndian: address.sin_port))
    }
}

@Suite("Sentinels", .serialized, .enabled(if: TestServer.url != nil && SentinelGroup.server != nil))
struct SentinelTests {
    @Test("the master is found, also when the first sentinels are down or know nothing", .timeLimit(.minutes(1)))
    func finding() async throws {
        try await SentinelGroup.with { group in
            let stranger = try await OwnRedis.start([])
            defer { stranger.end() }
            var configuration = group.configuration()
            guard case .sentinel(var sentinels) = configuration.address else { return }
            sentinels.hosts = [.init("127.0.0.1", port: 1), .init("127.0.0.1", port: stranger.port)] + sentinels.hosts
            configuration.address = .sentinel(sentinels)
            let connection = try await RedisConnection.connect(configuration, logger: TestServer.logger)
            #expect(connection.configuration.address == .tcp(host: "127.0.0.1", port: group.servers[0].port))
            try await connection.send(RedisCommand("SET", "k", "v"))
            await connection.close()
        }
    }

    @Test("the master is found while jobs hold up every thread of the pool: a lease is renewed over a new connection then", .timeLimit(.minutes(1)))
    func heldUpPool() async throws {
        try await SentinelGroup.with { group in
            let (configuration, port) = (group.configuration(), group.servers[0].port)
            let found = await HeldUpPool.during { () -> RedisConfiguration.Address? in
                let done = DispatchSemaphore(value: 0)
                let address = Mutex<RedisConfiguration.Address?>(nil)
                let eventLoop = MultiThreadedEventLoopGroup.singleton.next()
                RedisConnection.open(configuration, on: eventLoop, logger: TestServer.logger).whenComplete { result in
                    if case .success(let connection) = result {
                        address.withLock { $0 = connection.configuration.address }
                        connection.closeNow()
                    }
                    done.signal()
                }
                _ = done.wait(timeout: .now() + 10)
                return address.withLock { $0 }
            }
            #expect(found == .tcp(host: "127.0.0.1", port: port))
        }
    }

    @Test("an unknown group is told with what each sentinel said", .timeLimit(.minutes(1)))
    func unknownGroup() async throws {
        try await SentinelGroup.with { group in
            let error = await #expect(throws: RedisClientError.self) {
                try await RedisConnection.connect(group.configuration(masterName: "other"), logger: TestServer.logger)
            }
            #expect(error?.code == .connectFailed)
            for sentinel in group.sentinels { #expect(error?.message.contains("127.0.0.1:\(sentinel.port) knows no master 'other'") == true) }
            let unnamed = await #expect(throws: RedisClientError.self) {
                try await RedisConnection.connect(group.configuration(masterName: ""), logger: TestServer.logger)
            }
            #expect(unnamed?.code == .invalidURL)
        }
    }

    @Test("sentinels may have a password of their own", .timeLimit(.minutes(1)))
    func passwords() async throws {
        try await SentinelGroup.with(password: "hunter2") { group in
            let connection = try await RedisConnection.connect(group.configuration(password: "hunter2"), logger: TestServer.logger)
            await connection.close()
            let error = await #expect(throws: RedisClientError.self) {
                try await RedisConnection.connect(group.configuration(password: "wrong"), logger: TestServer.logger)
            }
            #expect(error?.description.contains("the sentinel refused the user or the password") == true)
        }
    }

    @Test("after a failover client and subscriber go on with the new master", .timeLimit(.minutes(1)))
    func failover() async throws {
        try await SentinelGroup.with { group in
            let client = RedisClient(group.configuration(), logger: TestServer.logger)
            let subscriber = RedisSubscriber(group.configuration(), logger: TestServer.logger)
            let events = try await subscriber.events(channels: ["news"])
            try await client.send(RedisCommand("SET", "before", "1"))
            try await client.send(RedisCommand("WAIT", 1, 5000))
            group.servers[0].kill()
            try await Self.patiently("a write reaches the new master") { try await client.send(RedisCommand("SET", "after", "2")) != .null }
            #expect(try await client.connection().configuration.address == .tcp(host: "127.0.0.1", port: group.servers[1].port))
            #expect(try await client.send(RedisCommand("GET", "before")).string == "1")
            var iterator = events.makeAsyncIterator()
            let first = await iterator.next()
            guard case .gap? = first else { return #expect(Bool(false), "\(String(describing: first))") }
            try await Self.patiently("somebody listens on the new master") { try await client.send(RedisCommand("PUBLISH", "news", "x")).asInt() == 1 }
            guard case .message(let message)? = await iterator.next() else { return #expect(Bool(false)) }
            #expect(String(decoding: message.payload, as: UTF8.self) == "x")
            await subscriber.shutdown()
            await client.shutdown()
        }
    }

    @Test("a server that has become a replica is left for the master", .timeLimit(.minutes(1)))
    func demotion() async throws {
        try await SentinelGroup.with { group in
            let connection = try await RedisConnection.connect(group.configuration(), logger: TestServer.logger)
            let other = try await group.servers[0].connect(nil)
            try await other.send(RedisCommand("REPLICAOF", "127.0.0.1", String(group.servers[1].port)))
            let refusal = await #expect(throws: (any Error).self) { try await connection.send(RedisCommand("SET", "k", "v")) }
            if let refusal = refusal as? RedisServerError { #expect(refusal.code == "READONLY") }
            try await TestServer.eventually("the connection closes") { connection.closeReason != nil }
            await other.close()
        }
    }

    /// A failover takes a few seconds; until then calls fail.
    private static func patiently(_ name: String, _ condition: () async throws -> Bool) async throws {
        let end = ContinuousClock.now + .seconds(40)
        while (try? await condition()) != true {
            try #require(ContinuousClock.now < end, "waited in vain: \(name)")
            try await Task.sleep(for: .milliseconds(20))
        }
    }
}

/// The cooperative pool while jobs take all of its threads.
private enum HeldUpPool {
    /// Runs `body` on a thread of its own meanwhile.
    static func during<Value: Sendable>(_ body: @escaping @Sendable () -> Value) async -> Value {
        await withCheckedContinuation { continuation in
            Thread.detachNewThread {
                let (isOver, held) = (Switch(), DispatchSemaphore(value: 0))
                // Each priority has as many threads as there are processors.
                let count = ProcessInfo.processInfo.activeProcessorCount
                for priority in [TaskPriority.high, .medium, .low, .background] {
                    for _ in 0..<count {
                        Task(priority: priority) {
                            held.signal()
                            while !isOver.isOn { usleep(500) }
                        }
                    }
                    // Those of lower priorities may share threads with them.
                    for _ in 0..<count where held.wait(timeout: .now() + 1) == .timedOut { break }
                }
                let value = body()
                isOver.turnOn()
                continuation.resume(returning: value)
            }
        }
    }

    private final class Switch: Sendable {
        private let state = Atomic(false)
        var isOn: Bool { state.load(ordering: .acquiring) }
        func turnOn() { state.store(true, ordering: .releasing) }
    }
}
