import NIOCore

/// An open WebSocket, on either side. It lives as long as the closure that was given it.
///
/// ```swift
/// for try await case .text(let text) in session.messages {
///     try await session.send(text.uppercased())
/// }
/// ```
public struct WebSocketSession: Sendable {
    /// What the client asked for in the handshake; on the client's side what it asked with, without its headers.
    public let request: WebSocketRequest
    /// The messages as they come; one reader. A slow reader slows the other side down: above
    /// ``WebSocketConfiguration/bufferedMessages`` nothing is read from the connection.
    ///
    /// Ends when either side closes; throws ``WebSocketError`` `protocolViolation` or `lost`.
    public let messages: WebSocketMessages

    private let channel: any Channel
    private let outbound: NIOAsyncChannelOutboundWriter<WebSocketMessage>
    private let record: CloseRecord

    /// How the connection ended; `nil` while it is open.
    public var close: WebSocketClose? { record.value }

    /// Sends text; waits while the connection is clogged. Any number of tasks may send at once: a message is never torn apart.
    ///
    /// - Throws: ``WebSocketError`` `closed`.
    public func send(_ text: String) async throws { try await send(.text(text)) }

    /// Sends a message; see ``send(_:)-(String)``.
    public func send(_ message: WebSocketMessage) async throws {
        do {
            try await outbound.write(message)
            // The writer learns on the event loop that the connection is clogged: without this hop a sender faster than the
            // loop would fill the loop's queue. No sender is more than one message ahead of it.
            try await channel.eventLoop.submit {}.get()
        } catch let error as CancellationError {
            throw error
        } catch {
            throw WebSocketError(.closed, "the WebSocket is closed (\(record.value?.description ?? String(describing: error)))")
        }
        // A message behind a close frame is dropped without a word by the writer.
        if let close = record.value { throw WebSocketError(.closed, "the WebSocket is closed (\(close)); the message may not have been sent") }
    }

    /// Begins to close: ``messages`` ends once the other side has answered, or after ``WebSocketConfiguration/closeTimeout``.
    public func close(_ code: WebSocketClose.Code = .normal, reason: String = "") {
        channel.triggerUserOutboundEvent(CloseRequest(close: WebSocketClose(code, reason: reason)), promise: nil)
    }

    /// Gives the session to `body` and closes when it returns (1000) or throws (1011), unless the other side was first.
    static func run<Value>(_ upgraded: UpgradedChannel, _ body: (WebSocketSession) async throws -> Value) async throws -> Value {
        try await upgraded.channel.executeThenClose { inbound, outbound in
            let session = WebSocketSession(
                request: upgraded.request, messages: WebSocketMessages(base: inbound), channel: upgraded.channel.channel, outbound: outbound,
                record: upgraded.record)
            do {
                let value = try await body(session)
                await session.finish(WebSocketClose(.normal))
                return value
            } catch {
                await session.finish(WebSocketClose(error is CancellationError ? .goingAway : .internalError))
                throw error
            }
        }
    }

    private func finish(_ close: WebSocketClose) async {
        channel.triggerUserOutboundEvent(CloseRequest(close: close), promise: nil)
        // Never fails, and ends within the close timeout.
        try? await channel.closeFuture.get()
    }
}

/// The messages of a session; one reader.
public struct WebSocketMessages: AsyncSequence, Sendable {
    /// Whole messages.
    public typealias Element = WebSocketMessage

    let base: NIOAsyncChannelInboundStream<WebSocketMessage>

    /// Makes the one iterator.
    public func makeAsyncIterator() -> AsyncIterator { AsyncIterator(base: base.makeAsyncIterator()) }

    /// Reads messages one by one.
    public struct AsyncIterator: AsyncIteratorProtocol {
        var base: NIOAsyncChannelInboundStream<WebSocketMessage>.AsyncIterator

        /// The next message; `nil` after the end.
        public mutating func next() async throws -> WebSocketMessage? { try await base.next() }
    }
}

/// A handshake's request.
public struct WebSocketRequest: Sendable {
    /// The path, percent-encoded as it came.
    public var path: String
    /// What stands after the `?`, if anything.
    public var query: String?
    /// Where it came from, as text without the port; empty when unknown.
    public var remoteAddress: String
    private var headers: [String: [String]]

    /// Makes a request.
    public init(target: String, headers: [(name: String, value: String)] = [], remoteAddress: String = "") {
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false)
        path = parts.first.map(String.init) ?? "/"
        query = parts.count > 1 ? String(parts[1]) : nil
        self.remoteAddress = remoteAddress
        self.headers = Dictionary(headers.map { ($0.name.lowercased(), [$0.value]) }) { $0 + $1 }
    }

    /// A header's value, its name in any case; `nil` when it is missing or stands there more than once.
    public subscript(header name: String) -> String? {
        guard let values = headers[name.lowercased()], values.count == 1 else { return nil }
        return values[0]
    }
}

/// A connection after its handshake.
struct UpgradedChannel: Sendable {
    var channel: NIOAsyncChannel<WebSocketMessage, WebSocketMessage>
    var record: CloseRecord
    var request: WebSocketRequest

    /// Ends the pipeline with the session's handler. On the event loop.
    static func make(_ channel: any Channel, role: WebSocketRole, configuration: WebSocketConfiguration, request: WebSocketRequest) throws -> UpgradedChannel {
        let record = CloseRecord()
        try channel.pipeline.syncOperations.addHandler(WebSocketSessionHandler(role: role, configuration: configuration, record: record))
        let marks = NIOAsyncSequenceProducerBackPressureStrategies.HighLowWatermark(
            lowWatermark: max(1, configuration.bufferedMessages / 4), highWatermark: configuration.bufferedMessages)
        let wrapped = try NIOAsyncChannel<WebSocketMessage, WebSocketMessage>(
            wrappingChannelSynchronously: channel, configuration: .init(backPressureStrategy: marks))
        return UpgradedChannel(channel: wrapped, record: record, request: request)
    }
}
