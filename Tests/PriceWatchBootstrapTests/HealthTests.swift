import Foundation
import Logging
import NIOCore
import NIOHTTP1
import NIOPosix
import ServiceLifecycle
import Synchronization
import Testing
import UnixSignals

@testable import ApiumTelemetry
@testable import PriceWatchBootstrap

private struct NotReady: Error, CustomStringConvertible { var description: String }

@Suite("Health", .timeLimit(.minutes(1)))
struct HealthTests {
    @Test("readiness names the part that is not ready, and a part that hangs is not waited for")
    func report() async {
        let report = await HealthReport.collect([
            HealthPart("redis") {},
            HealthPart("postgres") { throw NotReady(description: "no \"connection\"") },
            HealthPart("parser", timeout: .milliseconds(50)) { await withUnsafeContinuation { (_: UnsafeContinuation<Void, Never>) in } },
        ])
        #expect(!report.isReady)
        #expect(report.parts.map(\.isReady) == [true, false, false])
        #expect(report.json.contains(#"{"name":"postgres","ready":false,"reason":"no \"connection\""}"#))
        #expect(report.parts[2].reason?.contains("no answer") == true)
    }

    @Test("the server answers live, ready and metrics, refuses the rest, and ends gracefully")
    func server() async throws {
        let isReady = Mutex(false)
        let registry = PrometheusRegistry()
        registry.makeCounter(label: "seen", dimensions: []).increment(by: 2)
        let part = HealthPart("redis") { if !isReady.withLock({ $0 }) { throw NotReady(description: "starting") } }
        try await serve([part], registry) { (bound: Int) async throws in
            #expect(try await get(bound, "/live").hasPrefix("HTTP/1.1 200"))
            #expect(try await get(bound, "/ready").hasPrefix("HTTP/1.1 503"))
            isReady.withLock { $0 = true }
            #expect(try await get(bound, "/ready?x").hasPrefix("HTTP/1.1 200"))
            #expect(try await get(bound, "/metrics").contains("seen_total 2\n"))
            #expect(try await get(bound, "/etc/passwd").hasPrefix("HTTP/1.1 404"))
            #expect(try await get(bound, "/live", method: "POST").hasPrefix("HTTP/1.1 405"))
            #expect(try await get(bound, "/live", method: "BAD REQUEST").hasPrefix("HTTP/1.1 400"))
        }
    }

    @Test("a connection gets one answer however much it asks, and so many connections are served at a time")
    func bounds() async throws {
        try await serve([], PrometheusRegistry()) { bound in
            let many = String(repeating: "GET /live HTTP/1.1\r\nhost: x\r\n\r\n", count: 20)
            let answers = try await exchange(bound, many)
            #expect(answers.components(separatedBy: "HTTP/1.1 200").count == 2)
            #expect(answers.contains("connection: close"))
            var held: [any Channel] = []
            for _ in 0..<64 {
                held.append(try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connect(host: "127.0.0.1", port: bound).get())
            }
            // The server takes connections in their order.
            let refused = try? await get(bound, "/live")
            #expect(refused?.isEmpty ?? true)
            try await held[0].close()
            let deadline = ContinuousClock.now + .seconds(10)
            while (try? await get(bound, "/live"))?.hasPrefix("HTTP/1.1 200") != true {
                try #require(ContinuousClock.now < deadline, "waited in vain for the place that was given back")
            }
            for channel in held.dropFirst() { try await channel.close() }
        }
    }

    /// Runs a server while `body` asks it, and ends it as a supervisor does.
    private func serve(_ parts: [HealthPart], _ registry: PrometheusRegistry, _ body: (Int) async throws -> Void) async throws {
        let (ports, port) = AsyncStream.makeStream(of: Int.self)
        let server = HealthServer(
            port: 0, parts: parts, metrics: registry, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }, onListening: { port.yield($0) })
        let (signals, signal) = AsyncStream.makeStream(of: UnixSignal.self)
        let runner = ServiceRunner(services: [server], gracePeriod: .seconds(10), logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await runner.run(until: signals) }
        var iterator = ports.makeAsyncIterator()
        try await body(try #require(await iterator.next()))
        signal.yield(.sigterm)
        try await running.value
    }

    /// One request over a plain socket; answers everything until the server closes.
    private func get(_ port: Int, _ path: String, method: String = "GET") async throws -> String {
        try await exchange(port, "\(method) \(path) HTTP/1.1\r\nhost: x\r\nconnection: close\r\n\r\n")
    }

    private func exchange(_ port: Int, _ request: String) async throws -> String {
        let channel = try await ClientBootstrap(group: .singletonMultiThreadedEventLoopGroup).connect(host: "127.0.0.1", port: port) { channel in
            channel.eventLoop.makeCompletedFuture { try NIOAsyncChannel<ByteBuffer, ByteBuffer>(wrappingChannelSynchronously: channel) }
        }
        return try await channel.executeThenClose { inbound, outbound in
            try await outbound.write(ByteBuffer(string: request))
            var text = ""
            for try await buffer in inbound { text += String(buffer: buffer) }
            return text
        }
    }
}

@Suite("Service runner", .timeLimit(.minutes(1)))
struct ServiceRunnerTests {
    /// Ends gracefully, or only when cancelled.
    private struct Stubborn: Service {
        var endsGracefully: Bool
        var started: AsyncStream<Void>.Continuation
        func run() async throws {
            started.yield()
            if endsGracefully { try await gracefulShutdown() } else { try await Task.sleep(for: .seconds(3600)) }
        }
    }

    @Test("a second signal cancels what does not end", arguments: [true, false])
    func secondSignal(endsGracefully: Bool) async throws {
        let (starts, started) = AsyncStream.makeStream(of: Void.self)
        let (signals, signal) = AsyncStream.makeStream(of: UnixSignal.self)
        let runner = ServiceRunner(
            services: [Stubborn(endsGracefully: endsGracefully, started: started)], gracePeriod: .seconds(3600),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        let running = Task { try await runner.run(until: signals) }
        var iterator = starts.makeAsyncIterator()
        await iterator.next()
        signal.yield(.sigterm)
        if !endsGracefully { signal.yield(.sigint) }
        try await running.value
    }

    @Test("a service that fails ends the others and the failure is thrown")
    func failure() async throws {
        struct Failing: Service { func run() async throws { throw NotReady(description: "boom") } }
        let (_, started) = AsyncStream.makeStream(of: Void.self)
        let (signals, _) = AsyncStream.makeStream(of: UnixSignal.self)
        let runner = ServiceRunner(
            services: [Stubborn(endsGracefully: true, started: started), Failing()], gracePeriod: .seconds(10),
            logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() })
        await #expect(throws: NotReady.self) { try await runner.run(until: signals) }
    }
}
