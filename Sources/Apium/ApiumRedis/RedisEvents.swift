import ApiumCore
import Logging
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
        try await broker.client.reply(RedisCommand("PUBLISH", channels.channel(exchange, envelope.routingKey), envelope.encoded()))
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
