import ApiumConfiguration
import ApiumCore
import Foundation
import Logging
import RedisClient
import RedisTLS
import Synchronization
import Testing

@Suite("Settings of TLS", .enabled(if: FileManager.default.isExecutableFile(atPath: TestCertificates.openssl)))
struct TLSSettingsTests {
    @Test("files that are missing or don't belong together are told all at once, before anything is connected")
    func faults() throws {
        RedisTLS.enable()
        let certificates = try TestCertificates()
        defer { try? FileManager.default.removeItem(at: certificates.folder) }
        var settings = ApiumSettings()
        settings.brokerURL = "rediss://:hunter2@h/0?ssl_ca_certs=/missing/ca.pem&ssl_certfile=/missing/c.pem&ssl_keyfile=/missing/k.pem"
        settings.resultBackend = "rediss://:hunter2@h/1?ssl_certfile=\(certificates.path("client.crt"))&ssl_keyfile=\(certificates.path("server.key"))"
        let error = #expect(throws: ApiumError.self) { _ = try settings.connect(logger: TLSRedis.logger) }
        let text = "\(try #require(error))"
        for part in [
            "broker_url: ssl_ca_certs=/missing/ca.pem: there is no such file", "broker_url: ssl_certfile=/missing/c.pem",
            "broker_url: ssl_keyfile=/missing/k.pem", "result_backend: ssl_keyfile=\(certificates.path("server.key")) is not the key of the certificate",
        ] { #expect(text.contains(part), "\(text)") }
        #expect(!text.contains("hunter2"))
        settings.resultBackend = "rediss://h/1?ssl_certfile=\(certificates.path("client.key"))"
        settings.brokerURL = "redis://h/0"
        let damaged = #expect(throws: ApiumError.self) { _ = try settings.connect(logger: TLSRedis.logger) }
        #expect("\(try #require(damaged))".contains("holds no certificate in PEM form"))
    }

    @Test("every wrong option is told at once")
    func options() {
        let error = #expect(throws: RedisClientError.self) {
            _ = try RedisConfiguration(url: "rediss://h?ssl_cert_reqs=maybe&ssl_keyfile=k&ssl_ca=x&ssl_check_hostname=2")
        }
        for part in ["ssl_cert_reqs='maybe'", "ssl_keyfile without ssl_certfile", "'ssl_ca'", "ssl_check_hostname='2'"] {
            #expect(error?.message.contains(part) == true)
        }
    }

    @Test("a server that is not checked works, with a warning", .timeLimit(.minutes(1)), .enabled(if: TLSRedis.program != nil))
    func unchecked() async throws {
        try await TLSRedis.with(certificate: "elsewhere", clients: "no") { server in
            let warnings = Warnings()
            var settings = ApiumSettings()
            settings.brokerURL = "rediss://127.0.0.1:\(server.port)/0?ssl_cert_reqs=none"
            let connection = try settings.connect(logger: Logger(label: "test") { _ in warnings })
            _ = try await connection.broker.serverTime()
            await connection.shutdown()
            #expect(warnings.texts.count { $0.contains("ssl_cert_reqs=none") } == 1)
        }
    }
}

/// A log that keeps its warnings.
private struct Warnings: LogHandler {
    private final class Kept: Sendable {
        let texts = Mutex<[String]>([])
    }
    private let kept = Kept()
    var metadata: Logger.Metadata = [:]
    var logLevel = Logger.Level.warning

    var texts: [String] { kept.texts.withLock { $0 } }

    subscript(metadataKey key: String) -> Logger.Metadata.Value? {
        get { metadata[key] }
        set { metadata[key] = newValue }
    }

    func log(event: LogEvent) { kept.texts.withLock { $0.append("\(event.message)") } }
}
