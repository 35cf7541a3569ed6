import Apium
import ApiumCore
import ArgumentParser
import DynamicJSON
import Logging

/// Enqueues jobs of the chaos worker in every way until it is ended, and writes down which calls were answered; Tests/Chaos/chaos/producer.py
/// does the same with Celery's client.
@main
struct ChaosProducer: AsyncParsableCommand {
    static let configuration = CommandConfiguration(commandName: "chaos-producer", abstract: "Enqueue jobs of the chaos lab.")

    @Option(help: "The broker's URL.") var broker: String
    @Option(help: "The queue to send to.") var queue = "chaos"
    @Option(help: "In front of all keys: another for each start.") var name = "s0-0"
    @Option(help: "Where the calls are written down.") var log = "/dev/null"
    @Option(help: "Nothing is sent while this file is there.") var hold = ""
    @Option(help: "Jobs per second; 0: as many as go.") var rate = 0.0
    @Option(help: "Jobs in all; 0: without end.") var count = 0
    @Option(help: "What is sent follows from this number.") var seed: UInt64 = 1
    @Option(help: "The longest that most jobs take, in milliseconds; one in 20 takes up to 100 times that.") var longest: Int64 = 15
    @Option(help: "How many calls are under way at once.") var tasks = 8

    func run() async throws {
        let connection = try ApiumConnection(broker: broker, logger: Logger(label: "producer", factory: { StreamLogHandler.standardError(label: $0) }))
        let sender = try Sender(
            client: connection.client, queue: queue, name: name, notes: Notes(path: log), hold: hold, longest: longest,
            interval: rate > 0 ? .seconds(Double(tasks) / rate) : .zero)
        await withTaskGroup(of: Void.self) { group in
            for task in 0..<tasks {
                let share = count / tasks + (task < count % tasks ? 1 : 0)
                guard count == 0 || share > 0 else { continue }
                let plan = CallPlan(seed: seed &+ UInt64(task) &* 0x9E37_79B9_7F4A_7C15)
                group.addTask { await sender.send(plan, jobs: count == 0 ? .max : share) }
            }
        }
        await connection.shutdown()
    }
}
