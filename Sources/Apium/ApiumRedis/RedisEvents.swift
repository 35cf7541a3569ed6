import ApiumCore
import Logging
import NIOCore
import RedisClient
import Synchronization

/// Celery's events on Redis: kombu's fanout exchange `celeryev`, one channel for each type.
struct RedisEvents: EventTransport {
    private let broker: RedisBroker
    private let channels: FanoutChannels

    init(broker: RedisBroker) {
        self.broker = broker
        channels = FanoutChannels(broker)
    }

    func publish(_ events: [WorkerEvent], exchange: String) async throws {
        guard let envelope = WorkerEvent.envelope(of: events, exchange: exchange) else { return }
        // What waits was there before.
        let commands = [broker.passing.take(), try command(envelope, exchange)].compactMap { $0 }
        _ = try await broker.client.replies(commands)
    }

    /// With the next renewal of the worker's lease, or another event.
    func publishInPassing(_ event: WorkerEvent, exchange: String, within limit: Duration) async throws {
        guard let envelope = WorkerEvent.envelope(of: [event], exchange: exchange) else { return }
        let client = broker.client
        broker.passing.put(try command(envelope, exchange), within: TimeAmount(limit), on: client.eventLoop) { _ = client.submit([$0]) }
    }

    private func command(_ envelope: ControlEnvelope, _ exchange: String) throws -> RedisCommand {
        RedisCommand("PUBLISH", channels.channel(exchange, envelope.routingKey), try envelope.encoded())
    }

    func events(exchange: String) async throws -> AsyncStream<WorkerEvent> {
        let messages: AsyncStream<RedisSubscriptionEvent>
        do {
            messages = try await broker.subscriber.events(patterns: [channels.pattern(exchange)])
        } catch {
            throw RedisFailure.apiumError(error)
        }
        let unread = Mutex<ArraySlice<WorkerEvent>>([])
        return AsyncStream {
            if let event = unread.withLock({ $0.popFirst() }) { return event }
            for await case .message(let message) in messages {
                guard let envelope = try? ControlEnvelope(decoding: message.payload) else { continue }
                let events = WorkerEvent.events(in: envelope)
                guard let first = events.first else { continue }
                unread.withLock { $0 = events.dropFirst() }
                return first
            }
            return nil
        }
    }
}
