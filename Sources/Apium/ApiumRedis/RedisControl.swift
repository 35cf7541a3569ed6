import ApiumCore
import Logging
import RedisClient

/// kombu's pidbox on Redis: requests come by a fanout channel, replies go by the binding table of the reply exchange to the asker's list.
struct RedisControl: ControlTransport {
    private let broker: RedisBroker
    private let channels: FanoutChannels

    init(broker: RedisBroker) {
        self.broker = broker
        channels = FanoutChannels(broker)
    }

    /// How long a reply is kept for an asker that has gone: kombu's reply queues live 10 seconds without a consumer.
    static let replyLife = Duration.seconds(60)

    func requests(exchange: String) async throws -> AsyncStream<Result<ControlRequest, ApiumError>> {
        let events: AsyncStream<RedisSubscriptionEvent>
        do {
            events = try await broker.subscriber.events(channels: [channels.channel(exchange)])
        } catch {
            throw RedisFailure.apiumError(error)
        }
        let content = broker.options.controlContent
        return AsyncStream { await Self.next(of: events, accepting: content) }
    }

    /// What was missed while the connection was away is gone, as with every fanout; the asker asks again.
    private static func next(of events: AsyncStream<RedisSubscriptionEvent>, accepting content: AcceptedContent) async -> Result<ControlRequest, ApiumError>? {
        for await case .message(let message) in events {
            do {
                return .success(try ControlRequest(decoding: message.payload, accepting: content))
            } catch {
                return .failure(error as? ApiumError ?? ApiumError(.malformedMessage, "a control message cannot be read", underlying: error))
            }
        }
        return nil
    }

    /// Goes to reply lists alone: who may ask names the exchange, and a queue of jobs must get neither a foreign message nor an end.
    func reply(_ reply: ControlReply, to address: ControlRequest.ReplyAddress) async throws {
        guard address.exchange.hasPrefix("reply."), address.exchange.hasSuffix(".pidbox") else {
            throw ApiumError(.malformedMessage, "a control message wants its reply by the exchange \(address.exchange), which is none for replies")
        }
        let rows = try await broker.client.reply(RedisCommand("SMEMBERS", broker.keys.binding(address.exchange))).array ?? []
        let queues = BindingTable(rows: rows.compactMap(\.string), separator: broker.keys.separator).queues(for: address.routingKey)
            .filter { $0.hasSuffix(".\(address.exchange)") }
        guard !queues.isEmpty else { return }
        let payload = try reply.envelope(to: address).encoded()
        _ = try await broker.client.replies(
            queues.flatMap { queue in
                let list = broker.keys.ready(queue, priority: 0)
                return [RedisCommand("LPUSH", list, payload), RedisCommand("PEXPIRE", list, Self.replyLife.wholeMilliseconds)]
            })
    }

    func broadcast(_ request: ControlRequest, exchange: String) async throws {
        var request = request
        request.serializer = broker.options.controlSerializer
        try await broker.client.reply(RedisCommand("PUBLISH", channels.channel(exchange), try request.envelope(exchange: exchange).encoded()))
    }

    func ask(_ request: ControlRequest, exchange: String, within timeout: Duration, limit: Int?) async throws -> [ControlReply] {
        let address = ControlRequest.ReplyAddress(exchange: "reply.\(exchange)", routingKey: JobID.make())
        let queue = "\(address.routingKey).\(address.exchange)"
        let table = broker.keys.binding(address.exchange)
        let member = broker.keys.row(QueueBinding(exchange: address.exchange, routingKey: address.routingKey, queue: queue))
        try await broker.client.reply(RedisCommand("SADD", table, member))
        var request = request
        request.ticket = request.ticket ?? JobID.make()
        request.replyTo = address
        let outcome: Result<[ControlReply], any Error>
        do {
            try await broadcast(request, exchange: exchange)
            outcome = .success(try await collect(request.ticket, from: broker.keys.ready(queue, priority: 0), within: timeout, limit: limit))
        } catch {
            outcome = .failure(RedisFailure.apiumError(error))
        }
        _ = try? await broker.client.uncancelledReplies([
            RedisCommand("SREM", table, member), RedisCommand("DEL", broker.keys.ready(queue, priority: 0)),
        ])
        return try outcome.get()
    }

    /// Looks every 20 ms: questions are rare and short, and a blocked read would need a connection of its own.
    private func collect(_ ticket: String?, from list: String, within timeout: Duration, limit: Int?) async throws -> [ControlReply] {
        let end = ContinuousClock.now + timeout
        var replies: [ControlReply] = []
        while true {
            while let payload = try await broker.client.reply(RedisCommand("RPOP", list)).bytes {
                guard let reply = try? ControlReply(decoding: payload, accepting: broker.options.controlContent), reply.ticket == ticket else { continue }
                replies.append(reply)
                if let limit, replies.count >= limit { return replies }
            }
            guard ContinuousClock.now < end else { return replies }
            try await Task.sleep(for: .milliseconds(20))
        }
    }

    var server: BrokerAddress { BrokerAddress(broker.configuration) }
}

extension BrokerAddress {
    init(_ configuration: RedisConfiguration) {
        self.init(transport: "redis", host: "", port: nil, user: configuration.username, virtualHost: String(configuration.database), url: "\(configuration)")
        isEncrypted = configuration.tls != nil
        switch configuration.address {
        case .tcp(let host, let port): (self.host, self.port) = (host, port)
        case .unix(let path): host = path
        case .sentinel(let sentinels): (transport, host) = ("sentinel", sentinels.hosts.map(\.description).joined(separator: ";"))
        }
    }
}
