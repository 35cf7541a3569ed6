import Apium
import DynamicJSON
import Synchronization
import Testing

/// Commands of one's own.
@Suite("Example: remote control", .timeLimit(.minutes(1)))
struct ControlExamples {
    @Test("a program adds a command, which every worker runs that is told", arguments: Place.all)
    func command(place: Place) async throws {
        let (reloads, reloaded) = AsyncStream.makeStream(of: String.self)
        var registry = JobRegistry()
        registry.register(Add.self)
        // docs: command
        registry.registerControlCommand("reload_prices") { _, worker in
            reloaded.yield(worker.name)
            return ["ok": .string("reloaded on \(worker.name)")]
        }
        // docs: end
        try await place.run(registry) { client in
            // The worker is there once it has run a job.
            _ = try await client.enqueue(Add(x: 1, y: 1)).value(within: .seconds(20))
            let transport = try #require(client.broker.controlTransport)
            try await transport.broadcast(ControlRequest("reload_prices"), exchange: client.controlExchange)
            for await name in reloads {
                #expect(name == "example@localhost")
                break
            }
        }
    }
}
