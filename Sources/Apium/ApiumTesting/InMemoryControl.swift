import ApiumCore
import Synchronization

/// Remote control within a process: what is broadcast comes to every listener of the exchange, replies to whoever asked.
///
/// Requests and replies go through their codecs, so what cannot be encoded or read fails here, too.
public final class InMemoryControl: ControlTransport {
    private typealias Listener = AsyncStream<Result<ControlRequest, ApiumError>>.Continuation

    private struct State {
        var listeners: [Int: (exchange: String, listener: Listener)] = [:]
        var next = 0
        var mailboxes: [ControlRequest.ReplyAddress: [[UInt8]]] = [:]
    }

    private let state = Mutex(State())

    /// Makes a transport that nobody listens to.
    public init() {}

    public func requests(exchange: String) async throws -> AsyncStream<Result<ControlRequest, ApiumError>> {
        let (stream, listener) = AsyncStream.makeStream(of: Result<ControlRequest, ApiumError>.self)
        let id = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = (exchange, listener)
            return state.next
        }
        listener.onTermination = { [weak self] _ in self?.state.withLock { $0.listeners[id] = nil } }
        return stream
    }

    public func broadcast(_ request: ControlRequest, exchange: String) async throws {
        publish(try request.envelope(exchange: exchange).encoded(), exchange: exchange)
    }

    /// Publishes any bytes.
    public func publish(_ payload: [UInt8], exchange: String) {
        let request: Result<ControlRequest, ApiumError>
        do {
            request = .success(try ControlRequest(decoding: payload))
        } catch {
            request = .failure(error as? ApiumError ?? ApiumError(.malformedMessage, "a control message cannot be read", underlying: error))
        }
        for (name, listener) in state.withLock({ Array($0.listeners.values) }) where name == exchange { listener.yield(request) }
    }

    public func reply(_ reply: ControlReply, to address: ControlRequest.ReplyAddress) async throws {
        let payload = try reply.envelope(to: address).encoded()
        // Nobody waits any more: dropped.
        state.withLock { $0.mailboxes[address]?.append(payload) }
    }

    public func ask(_ request: ControlRequest, exchange: String, within timeout: Duration, limit: Int?) async throws -> [ControlReply] {
        let address = ControlRequest.ReplyAddress(exchange: "reply.\(exchange)", routingKey: JobID.make())
        var request = request
        request.replyTo = address
        request.ticket = request.ticket ?? JobID.make()
        state.withLock { $0.mailboxes[address] = [] }
        defer { state.withLock { $0.mailboxes[address] = nil } }
        try await broadcast(request, exchange: exchange)
        let end = ContinuousClock.now + timeout
        while true {
            let replies = try state.withLock { $0.mailboxes[address] ?? [] }.map { try ControlReply(decoding: $0) }
            if let limit, replies.count >= limit { return replies }
            guard ContinuousClock.now < end else { return replies }
            try await Task.sleep(for: .milliseconds(2))
        }
    }

    public var server: BrokerAddress { BrokerAddress(transport: "memory", host: "localhost", port: nil, url: "memory://localhost") }
}

/// Events within a process.
public final class InMemoryEvents: EventTransport {
    private struct State {
        var listeners: [Int: (exchange: String, listener: AsyncStream<WorkerEvent>.Continuation)] = [:]
        var next = 0
    }

    private let state = Mutex(State())

    /// Makes a transport that nobody listens to.
    public init() {}

    public func publish(_ events: [WorkerEvent], exchange: String) async throws {
        guard let envelope = WorkerEvent.envelope(of: events, exchange: exchange) else { return }
        let read = WorkerEvent.events(in: try ControlEnvelope(decoding: envelope.encoded()))
        for (name, listener) in state.withLock({ Array($0.listeners.values) }) where name == exchange {
            for event in read { listener.yield(event) }
        }
    }

    public func events(exchange: String) async throws -> AsyncStream<WorkerEvent> {
        let (stream, listener) = AsyncStream.makeStream(of: WorkerEvent.self)
        let id = state.withLock { state in
            state.next += 1
            state.listeners[state.next] = (exchange, listener)
            return state.next
        }
        listener.onTermination = { [weak self] _ in self?.state.withLock { $0.listeners[id] = nil } }
        return stream
    }
}
