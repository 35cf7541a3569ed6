import Foundation
import Logging
import RedisClient
import RedisTLS
import Testing

/// Certificates that openssl makes for one test.
struct TestCertificates {
    static let openssl = "/usr/bin/openssl"
    let folder: URL

    init() throws {
        folder = FileManager.default.temporaryDirectory.appendingPathComponent("apium-tls-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        for authority in ["ca", "stranger"] {
            try run(["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=\(authority)"] + out(authority))
        }
        try issue("server", names: "DNS:localhost,IP:127.0.0.1")
        try issue("elsewhere", names: "DNS:redis.example")
        try issue("client", names: "DNS:client")
    }

    func path(_ name: String) -> String { folder.appendingPathComponent(name).path }

    /// A certificate of the authority "ca".
    private func issue(_ name: String, names: String) throws {
        try Data("subjectAltName=\(names)\n".utf8).write(to: folder.appendingPathComponent("\(name).ext"))
        try run(["req", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=\(name)", "-keyout", path("\(name).key"), "-out", path("\(name).csr")])
        try run([
            "x509", "-req", "-in", path("\(name).csr"), "-CA", path("ca.crt"), "-CAkey", path("ca.key"), "-CAcreateserial", "-days", "2",
            "-extfile", path("\(name).ext"), "-out", path("\(name).crt"),
        ])
    }

    /// A copy of the client's key that a password protects.
    func encryptClientKey(password: String) throws {
        try run(["rsa", "-aes256", "-in", path("client.key"), "-passout", "pass:\(password)", "-out", path("locked.key")])
    }

    private func out(_ name: String) -> [String] { ["-keyout", path("\(name).key"), "-out", path("\(name).crt")] }

    private func run(_ words: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: Self.openssl)
        process.arguments = words
        process.standardError = FileHandle.nullDevice
        process.standardOutput = FileHandle.nullDevice
        try process.run()
        process.waitUntilExit()
        try #require(process.terminationStatus == 0, "openssl \(words.joined(separator: " "))")
    }
}

/// A Redis of a test's own that speaks TLS alone, and a sentinel beside it.
final class TLSRedis: Sendable {
    static let program = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"].first { FileManager.default.isExecutableFile(atPath: $0) }
    static let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }

    let port: Int
    let certificates: TestCertificates
    private let pid: Int32

    private init(port: Int, certificates: TestCertificates, pid: Int32) {
        self.port = port
        self.certificates = certificates
        self.pid = pid
    }

    /// - Parameter clients: tls-auth-clients: yes or no.
    static func with(certificate: String = "server", clients: String = "yes", _ body: @Sendable (TLSRedis) async throws -> Void) async throws {
        let certificates = try TestCertificates()
        defer { try? FileManager.default.removeItem(at: certificates.folder) }
        let server = try await start(certificates, certificate: certificate, clients: clients, sentinelOf: nil)
        defer { server.end() }
        try await body(server)
    }

    /// A sentinel that watches this server, over TLS too.
    func withSentinel(_ body: @Sendable (TLSRedis) async throws -> Void) async throws {
        let sentinel = try await Self.start(certificates, certificate: "server", clients: "yes", sentinelOf: port)
        defer { sentinel.end() }
        try await body(sentinel)
    }

    private static func start(_ certificates: TestCertificates, certificate: String, clients: String, sentinelOf master: Int?) async throws -> TLSRedis {
        RedisTLS.enable()
        let port = try freePort()
        var lines = [
            "port 0", "tls-port \(port)", "bind 127.0.0.1", "dir \(certificates.folder.path)", "tls-auth-clients \(clients)",
            "tls-ca-cert-file \(certificates.path("ca.crt"))", "tls-replication yes",
            "tls-cert-file \(certificates.path("\(certificate).crt"))", "tls-key-file \(certificates.path("\(certificate).key"))",
        ]
        lines += master.map { ["sentinel monitor mine 127.0.0.1 \($0) 1"] } ?? ["save \"\""]
        let file = certificates.folder.appendingPathComponent("\(port).conf")
        try Data(lines.joined(separator: "\n").appending("\n").utf8).write(to: file)
        let process = Process()
        process.executableURL = URL(fileURLWithPath: try #require(program))
        process.arguments = [file.path] + (master == nil ? [] : ["--sentinel"])
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        let server = TLSRedis(port: port, certificates: certificates, pid: process.processIdentifier)
        let end = ContinuousClock.now + .seconds(20)
        while (try? await server.connect("ssl_cert_reqs=none&\(server.clientOptions)").close()) == nil {
            try #require(ContinuousClock.now < end, "waited in vain: the server on port \(port) listens")
            try await Task.sleep(for: .milliseconds(10))
        }
        return server
    }

    /// The query's options of a client with a certificate.
    var clientOptions: String { "ssl_certfile=\(certificates.path("client.crt"))&ssl_keyfile=\(certificates.path("client.key"))" }
    /// What a good client's query says.
    var goodOptions: String { "ssl_ca_certs=\(certificates.path("ca.crt"))&\(clientOptions)" }

    func configuration(_ query: String, host: String = "127.0.0.1") throws -> RedisConfiguration {
        try RedisConfiguration(url: "rediss://\(host):\(port)/0?\(query)")
    }

    func connect(_ query: String, host: String = "127.0.0.1") async throws -> RedisConnection {
        try await RedisConnection.connect(configuration(query, host: host), logger: Self.logger)
    }

    /// Why a connection is refused.
    func refusal(_ query: String, host: String = "127.0.0.1") async -> String? {
        do {
            try await connect(query, host: host).close()
            return nil
        } catch let error as RedisClientError where error.code == .tlsFailed {
            return error.message
        } catch {
            return "untyped: \(error)"
        }
    }

    func end() { kill(pid, SIGKILL) }

    private static func freePort() throws -> Int {
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
        defer { close(descriptor) }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7f00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let found = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { bind(descriptor, $0, length) == 0 && getsockname(descriptor, $0, &length) == 0 }
        }
        try #require(found)
        return Int(UInt16(bigEndian: address.sin_port))
    }
}
