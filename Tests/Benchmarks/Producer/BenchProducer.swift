import Apium
import ApiumCore
import ArgumentParser
import DynamicJSON
import Foundation
import Logging
import RedisClient

/// Enqueues jobs of the benchmark and prints, as one JSON object, how long it took: wall time and CPU time of this process.
@main
struct BenchProducer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "bench-producer", abstract: "Enqueue jobs of the benchmark.")

    /// How the jobs are handed over.
    enum Way: String, ExpressibleByArgument, CaseIterable {
        /// Each is awaited before the next.
        case one
        /// 64 tasks that each send one by one.
        case tasks
        /// Many in one round trip.
        case bulk
    }

    /// What is enqueued.
    enum Work: String, ExpressibleByArgument, CaseIterable {
        case noop
        case step
        /// Each is waited for on the list `answers` before the next is sent.
        case echo
    }

    @Option(help: "The broker's URL.") var broker: String
    @Option(help: "The job: noop, step, or echo (one at a time, and its answer is waited for).") var job = Work.noop
    @Option(help: "The queue to send to.") var queue = "bench"
    @Option(help: "How many jobs.") var count = 10_000
    @Option(help: "How they are sent: one (awaited one by one), tasks (64 at a time) or bulk.") var way = Way.bulk
    @Option(help: "How many jobs a bulk call takes.") var bulk = 1000
    @Flag(help: "Ask that results are thrown away.") var ignoreResult = false

    private static let payload = String(repeating: "x", count: 100)
    private static let tasks = 64

    func validate() throws {
        guard count > 0, bulk > 0 else { throw ValidationError("--count and --bulk take 1 or more") }
    }

    func run() async throws {
        let connection = try ApiumConnection(broker: broker, logger: Logger(label: "producer", factory: { StreamLogHandler.standardError(label: $0) }))
        do {
            let client = connection.client
            // The first call connects.
            _ = try await client.broker.serverTime()
            let began = (wall: ContinuousClock.now, cpu: clock())
            let trips = job == .echo ? try await makeTrips(with: client) : []
            if job != .echo { try await send(with: client) }
            let seconds = (ContinuousClock.now - began.wall) / .seconds(1)
            let report: JSONValue = [
                "way": .string(way.rawValue), "count": .int(Int64(count)), "seconds": .double(seconds),
                "cpu_seconds": .double(Double(clock() - began.cpu) / Double(CLOCKS_PER_SEC)),
                "trips": .array(trips.map { .double($0) }),
            ]
            FileHandle.standardOutput.write(Data((report.text + "\n").utf8))
            await connection.shutdown()
        } catch {
            await connection.shutdown()
            throw error
        }
    }

    private func send(with client: ApiumClient) async throws {
        switch way {
        case .one: for index in 0..<count { _ = try await client.enqueueAll([call(index)]) }
        case .tasks:
            try await withThrowingTaskGroup(of: Void.self) { group in
                for first in 0..<Self.tasks {
                    group.addTask { for index in stride(from: first, to: count, by: Self.tasks) { _ = try await client.enqueueAll([call(index)]) } }
                }
                try await group.waitForAll()
            }
        case .bulk:
            for first in stride(from: 0, to: count, by: bulk) {
                _ = try await client.enqueueAll((first..<min(count, first + bulk)).map { call($0) })
            }
        }
    }

    /// Seconds from each call to what its job pushed.
    private func makeTrips(with client: ApiumClient) async throws -> [Double] {
        let answers = try RedisClient(RedisConfiguration(url: broker), logger: Logger(label: "answers", factory: { StreamLogHandler.standardError(label: $0) }))
        var trips: [Double] = []
        for index in 0..<count {
            let sent = ContinuousClock.now
            _ = try await client.enqueueAll([call(index)])
            try await answers.send(RedisCommand("BLPOP", "answers", "0"))
            trips.append((ContinuousClock.now - sent) / .seconds(1))
        }
        await answers.shutdown()
        return trips
    }

    private func call(_ index: Int) -> TaskCall {
        TaskCall(
            task: "bench.\(job.rawValue)",
            arguments: TaskArguments(args: job == .echo ? [.string(String(index)), "answers"] : [.int(Int64(index)), .string(Self.payload)]),
            options: .with {
                $0.queue = queue
                $0.ignoreResult = ignoreResult ? true : nil
            })
    }
}
