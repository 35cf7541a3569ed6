import ApiumCore
import Logging
import PostgresClient
import ServiceLifecycle

/// Hands the rows of `apium_outbox` to a broker, the oldest first. Run one in each worker, or in a process of its own; any number may
/// run at once.
///
/// A row goes in the transaction in which its job is enqueued under a fixed id. A relay that dies in between leaves the row, and the
/// next one finds the id known and deletes it: the job is enqueued once, if the relays' pause is shorter than ``OutboxRelayOptions/knownFor``.
public struct OutboxRelay: Service {
    let postgres: PostgresClient
    let broker: any Broker
    let options: OutboxRelayOptions
    let logger: Logger
    let full = FullQueues()

    /// Makes a relay between a database and a broker, both of which somebody else closes.
    public init(from postgres: PostgresClient, to broker: any Broker, options: OutboxRelayOptions = OutboxRelayOptions(), logger: Logger) {
        self.postgres = postgres
        self.broker = broker
        self.options = options
        self.logger = logger
    }

    /// Relays until shutdown: woken by each transaction that enqueues, and now and then in case that was missed.
    public func run() async throws {
        let (wakes, wake) = AsyncStream.makeStream(of: Void.self, bufferingPolicy: .bufferingNewest(1))
        let (postgres, poll) = (postgres, options.poll)
        await withGracefulShutdownHandler {
            await withTaskGroup(of: Void.self) { group in
                group.addTask { for await _ in postgres.notifications(on: Outbox.channel) { wake.yield() } }
                group.addTask {
                    repeat { wake.yield() } while await slept(for: poll)
                }
                await relay(on: wakes, wake)
                group.cancelAll()
            }
        } onGracefulShutdown: {
            wake.finish()
        }
    }

    /// One batch at each wake, and more while batches are full. What cannot be reached is waited for.
    private func relay(on wakes: AsyncStream<Void>, _ wake: AsyncStream<Void>.Continuation) async {
        var failures = 0
        for await _ in wakes {
            do {
                while try await relayBatch() == options.batch, !Task.isShuttingDownGracefully {}
                failures = 0
            } catch is CancellationError {
                return
            } catch {
                failures += 1
                logger.warning("The outbox could not be relayed; it is tried again", metadata: ["error": "\(error)", "failures": "\(failures)"])
                await pause(after: failures)
                wake.yield()
            }
        }
    }

    /// Half a second, doubled each time, up to the poll's period.
    private func pause(after failures: Int) async {
        let wait = min(Duration.milliseconds(500) * (1 << min(failures - 1, 10)), options.poll)
        _ = try? await cancelWhenGracefulShutdown { try await Task.sleep(for: wait) }
    }

    /// What waits in the table.
    public func backlog() async throws -> OutboxBacklog {
        let rows = try await postgres.query(
            """
            select count(*) as waiting, count(*) filter (where last_error is not null) as failing,
                (extract(epoch from clock_timestamp() - min(created_at)) * 1000000)::bigint as age from apium_outbox
            """)
        guard let row = rows.first else { return OutboxBacklog(waiting: 0, failing: 0, oldest: nil) }
        return OutboxBacklog(
            waiting: try row["waiting"], failing: try row["failing"], oldest: try row["age", as: Int64?.self].map { .microseconds($0) })
    }
}

/// How a relay works.
public struct OutboxRelayOptions: Sendable, Hashable {
    /// How many rows go in one transaction. Default: 100.
    public var batch: Int
    /// How often it looks without being woken. Default: 5 seconds.
    public var poll: Duration
    /// How long a job's id is known after it was handed over: longer than any pause between two tries of one row. Default: 7 days.
    public var knownFor: Duration

    /// Makes options; each default is given at its property.
    public init(batch: Int = 100, poll: Duration = .seconds(5), knownFor: Duration = .days(7)) {
        self.batch = max(batch, 1)
        self.poll = poll
        self.knownFor = knownFor
    }
}

/// What waits in an outbox.
public struct OutboxBacklog: Sendable, Hashable {
    /// How many jobs.
    public var waiting: Int
    /// How many of them could not be handed over when they were tried.
    public var failing: Int
    /// How long the oldest has waited.
    public var oldest: Duration?
}

/// Whether a whole wait was slept through.
private func slept(for time: Duration) async -> Bool { (try? await Task.sleep(for: time)) != nil }
