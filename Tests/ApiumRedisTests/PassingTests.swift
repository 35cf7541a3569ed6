import ApiumCore
import NIOCore
import NIOPosix
import Testing

@testable import ApiumRedis
@testable import RedisClient

@Suite("A command that waits for another to go with")
struct PassingCommandTests {
    private let group = MultiThreadedEventLoopGroup.singleton

    @Test("it is taken once, and then is not sent by itself; a later one takes the place of an earlier one")
    func taken() {
        let passing = PassingCommand()
        for name in ["first", "second"] {
            passing.put(RedisCommand(name), within: .hours(1), on: group.next()) { _ in Issue.record("it was sent by itself") }
        }
        #expect(passing.take()?.body == RedisCommand("second").body)
        #expect(passing.take()?.body == nil)
    }

    @Test("what nobody takes along is sent when its time is over")
    func alone() async throws {
        let passing = PassingCommand()
        let sent = group.next().makePromise(of: RedisCommand.self)
        passing.put(RedisCommand("first"), within: .milliseconds(1), on: group.next()) { sent.succeed($0) }
        let command = try await within("it is sent") { try await sent.futureResult.get() }
        #expect(command.body == RedisCommand("first").body)
        #expect(passing.take()?.body == nil)
    }
}

@Suite("Heartbeats on Redis", .enabled(if: Bench.url != nil), .timeLimit(.minutes(1)))
struct PassingEventTests {
    private func event(_ type: String) -> WorkerEvent { WorkerEvent(type, node: "w@h", at: .now(), clock: 1, pid: 1, fields: [:]) }

    /// Publishes by `send`, and returns the types of the first events that arrive.
    private func arrive(_ count: Int, _ bench: Bench, _ send: (RedisEvents) async throws -> Void) async throws -> [String] {
        let transport = RedisEvents(broker: bench.broker)
        let followed = try await transport.events(exchange: "celeryev")
        try await send(transport)
        return try await within("\(count) events") { () -> [String] in
            var types: [String] = []
            for await event in followed {
                types.append(event.type)
                if types.count == count { break }
            }
            return types
        }
    }

    @Test("a heartbeat goes with the next renewal of the lease")
    func renewal() async throws {
        try await Bench.with { bench in
            let session = try await bench.session(lease: .seconds(1))
            let types = try await arrive(1, bench) { try await $0.publishInPassing(event("worker-heartbeat"), exchange: "celeryev", within: .seconds(3600)) }
            #expect(types == ["worker-heartbeat"])
            try await session.close()
        }
    }

    @Test("without a lease it goes by itself, no later than it was to")
    func alone() async throws {
        try await Bench.with { bench in
            let types = try await arrive(1, bench) { try await $0.publishInPassing(event("worker-heartbeat"), exchange: "celeryev", within: .milliseconds(5)) }
            #expect(types == ["worker-heartbeat"])
        }
    }

    @Test("what is published goes behind a heartbeat that waits, so a worker's last word stays the last")
    func order() async throws {
        try await Bench.with { bench in
            let types = try await arrive(2, bench) { transport in
                try await transport.publishInPassing(event("worker-heartbeat"), exchange: "celeryev", within: .seconds(3600))
                try await transport.publish([event("worker-offline")], exchange: "celeryev")
            }
            #expect(types == ["worker-heartbeat", "worker-offline"])
            #expect(bench.broker.passing.take()?.body == nil)
        }
    }
}
