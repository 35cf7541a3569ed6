import Foundation
import RedisClient
import Testing

@testable import ApiumRedis

/// A Redis server of a test's own, which may be stopped, paused and started again. Its data survive in an append-only file, or as they were when
/// the test last said SAVE.
final class OwnServer: Sendable {
    static let path = ["/usr/bin/redis-server", "/usr/local/bin/redis-server"].first { FileManager.default.isExecutableFile(atPath: $0) }

    let port: Int
    private let directory: URL
    private let savesOnDemand: Bool
    private let process = LockedProcess()

    private init(port: Int, directory: URL, savesOnDemand: Bool) {
        self.port = port
        self.directory = directory
        self.savesOnDemand = savesOnDemand
    }

    var configuration: RedisConfiguration { RedisConfiguration(address: .tcp(host: "127.0.0.1", port: port)) }

    /// Starts a server on a free port and waits until it answers.
    /// - Parameter savesOnDemand: Whether it keeps nothing but what SAVE writes.
    static func start(savesOnDemand: Bool = false) async throws -> OwnServer {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("apium-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        let server = OwnServer(port: try await freePort(), directory: directory, savesOnDemand: savesOnDemand)
        try await server.run()
        return server
    }

    /// Starts the server's process and waits until it answers.
    func run() async throws {
        try process.start(
            try #require(Self.path),
            [
                "--port", String(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", savesOnDemand ? "no" : "yes", "--appendfsync", "always", "--dir",
                directory.path, "--loglevel", "warning",
            ])
        let end = ContinuousClock.now + .seconds(15)
        while true {
            if let connection = try? await RedisConnection.connect(configuration, logger: Bench.logger) {
                let answer = try? await connection.send(RedisCommand("PING"))
                await connection.close()
                if answer != nil { return }
            }
            try #require(ContinuousClock.now < end, "the server on port \(port) does not answer")
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    func kill() { process.signal(SIGKILL, wait: true) }
    func pause() { process.signal(SIGSTOP, wait: false) }
    func resume() { process.signal(SIGCONT, wait: false) }

    func end() {
        kill()
        try? FileManager.default.removeItem(at: directory)
    }

    private static func freePort() async throws -> Int {
        let proxy = try await CuttingProxy.start(for: RedisConfiguration())
        guard case .tcp(_, let port) = proxy.configuration.address else { return 0 }
        await proxy.stop()
        return port
    }
}

/// A process behind a lock: `Process` is not for several threads.
private final class LockedProcess: Sendable {
    private let pid = Locked<Int32>(0)

    func start(_ path: String, _ arguments: [String]) throws {
        let process = Process()
        process.executableURL = URL(fileURLWithPath: path)
        process.arguments = arguments
        process.standardOutput = FileHandle.nullDevice
        process.standardError = FileHandle.nullDevice
        try process.run()
        pid.set(process.processIdentifier)
    }

    func signal(_ number: Int32, wait: Bool) {
        let pid = pid.get()
        guard pid > 0 else { return }
        Foundation.kill(pid, number)
        // Foundation reaps the process; it is gone when it can't be signalled any more.
        while wait && Foundation.kill(pid, 0) == 0 { usleep(2000) }
    }
}
