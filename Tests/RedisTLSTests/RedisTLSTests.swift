import ApiumConfiguration
import ApiumCore
import Foundation
import Logging
import RedisClient
import RedisTLS
import Testing

@Suite("TLS to Redis", .serialized, .enabled(if: TLSRedis.program != nil && FileManager.default.isExecutableFile(atPath: TestCertificates.openssl)))
struct RedisTLSTests {
    @Test("a server is trusted by its authority, under its name or its address, and trusts us by our certificate", .timeLimit(.minutes(1)))
    func trusted() async throws {
        try await TLSRedis.with { server in
            for host in ["127.0.0.1", "localhost"] {
                let connection = try await server.connect(server.goodOptions, host: host)
                #expect(try await connection.send(RedisCommand("ECHO", "x")).string == "x")
                // More than one record of TLS, both ways.
                let large = String(repeating: "y", count: 300_000)
                #expect(try await connection.send(RedisCommand("ECHO", large)).string == large)
                await connection.close()
            }
        }
    }

    @Test("a server of another authority is refused, and its certificate is named", .timeLimit(.minutes(1)))
    func wrongAuthority() async throws {
        try await TLSRedis.with { server in
            let stranger = server.certificates.path("stranger.crt")
            let message = try #require(await server.refusal("ssl_ca_certs=\(stranger)&\(server.clientOptions)"))
            #expect(message.contains("the server's certificate (") && message.contains("common name server"), "\(message)")
            #expect(message.contains("none of the authorities in ssl_ca_certs=\(stranger) signed it"), "\(message)")
            let bySystem = try #require(await server.refusal(server.clientOptions))
            #expect(bySystem.contains("no authority of this system signed it"), "\(bySystem)")
        }
    }

    @Test("a certificate for another host is refused unless the name is not to be checked", .timeLimit(.minutes(1)))
    func wrongHost() async throws {
        try await TLSRedis.with(certificate: "elsewhere") { server in
            for host in ["127.0.0.1", "localhost"] {
                let message = try #require(await server.refusal(server.goodOptions, host: host))
                #expect(message.contains("redis.example") && message.contains("is not made out to '\(host)'"), "\(message)")
            }
            #expect(await server.refusal("\(server.goodOptions)&ssl_check_hostname=false") == nil)
        }
    }

    @Test("a server that wants a client's certificate refuses those without, and we say what to give", .timeLimit(.minutes(1)))
    func clientCertificate() async throws {
        try await TLSRedis.with { server in
            let authority = "ssl_ca_certs=\(server.certificates.path("ca.crt"))"
            let without = try #require(await server.refusal(authority))
            #expect(without.contains("ssl_certfile and ssl_keyfile"), "\(without)")
            let (certificate, key) = (server.certificates.path("stranger.crt"), server.certificates.path("stranger.key"))
            let stranger = try #require(await server.refusal("\(authority)&ssl_certfile=\(certificate)&ssl_keyfile=\(key)"))
            #expect(stranger.contains("our certificate in ssl_certfile=\(certificate)"), "\(stranger)")
        }
        try await TLSRedis.with(clients: "no") { server in
            #expect(await server.refusal("ssl_ca_certs=\(server.certificates.path("ca.crt"))") == nil)
        }
    }

    @Test("the client's key may be encrypted; its password is never shown", .timeLimit(.minutes(1)))
    func encryptedKey() async throws {
        try await TLSRedis.with { server in
            try server.certificates.encryptClientKey(password: "hunter2")
            let query = "ssl_ca_certs=\(server.certificates.path("ca.crt"))&ssl_certfile=\(server.certificates.path("client.crt"))&"
            let locked = "ssl_keyfile=\(server.certificates.path("locked.key"))"
            #expect(await server.refusal("\(query)\(locked)&ssl_keyfile_password=hunter2") == nil)
            #expect(await server.refusal("\(query)\(locked)")?.contains("is encrypted; give ssl_keyfile_password") == true)
            let wrong = try #require(await server.refusal("\(query)\(locked)&ssl_keyfile_password=hunter3"))
            #expect(wrong.contains("can't be opened with ssl_keyfile_password") && !wrong.contains("hunter"), "\(wrong)")
        }
    }

    @Test("client and subscriber come back after CLIENT KILL", .timeLimit(.minutes(1)))
    func reconnecting() async throws {
        try await TLSRedis.with { server in
            let configuration = try server.configuration(server.goodOptions)
            let client = RedisClient(configuration, logger: TLSRedis.logger)
            let subscriber = RedisSubscriber(configuration, logger: TLSRedis.logger)
            let events = try await subscriber.events(channels: ["news"])
            let first = try #require(try await client.connection().clientID)
            let killer = try await server.connect(server.goodOptions)
            try await killer.send(RedisCommand("CLIENT", "KILL", "TYPE", "pubsub"))
            try await killer.send(RedisCommand("CLIENT", "KILL", "ID", first))
            var iterator = events.makeAsyncIterator()
            guard case .gap? = await iterator.next() else { return #expect(Bool(false), "a gap is told") }
            let end = ContinuousClock.now + .seconds(20)
            while (try? await client.send(RedisCommand("PUBLISH", "news", "x")).asInt()) != 1 {
                try #require(ContinuousClock.now < end, "waited in vain: somebody listens again")
                try await Task.sleep(for: .milliseconds(10))
            }
            guard case .message(let message)? = await iterator.next() else { return #expect(Bool(false), "the message comes") }
            #expect(String(decoding: message.payload, as: UTF8.self) == "x")
            #expect(try await client.connection().clientID != first)
            await killer.close()
            await subscriber.shutdown()
            await client.shutdown()
        }
    }

    @Test("sentinels are asked over TLS, and the master they name is reached over TLS", .timeLimit(.minutes(1)))
    func sentinels() async throws {
        try await TLSRedis.with { server in
            try await server.withSentinel { sentinel in
                let url = "sentinel://127.0.0.1:\(sentinel.port)/0?master_name=mine&ssl=true&sentinel_ssl=true&\(server.goodOptions)"
                let connection = try await RedisConnection.connect(RedisConfiguration(url: url), logger: TLSRedis.logger)
                #expect(connection.configuration.address == .tcp(host: "127.0.0.1", port: server.port))
                #expect(try await connection.send(RedisCommand("ECHO", "x")).string == "x")
                await connection.close()
            }
        }
    }

    @Test("a server without TLS is told apart from a wrong certificate", .timeLimit(.minutes(1)), .enabled(if: plainServer != nil))
    func plain() async throws {
        RedisTLS.enable()
        let plain = try RedisConfiguration(url: try #require(Self.plainServer))
        var configuration = plain
        configuration.tls = RedisTLSOptions()
        configuration.connectTimeout = .seconds(1)
        let error = await #expect(throws: RedisClientError.self) { try await RedisConnection.connect(configuration, logger: TLSRedis.logger) }
        // It answers a hello that happens to hold a line's end, and is silent otherwise.
        #expect(error?.code == .tlsFailed || error?.code == .timedOut)
        #expect(error?.message.contains("does not speak TLS on this port") == true, "\(String(describing: error))")
    }

    static let plainServer = ProcessInfo.processInfo.environment["APIUM_TEST_REDIS_URL"]
}
