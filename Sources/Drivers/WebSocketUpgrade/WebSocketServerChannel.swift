public import HummingbirdCore
public import Logging
public import NIOCore
import NIOHTTP1
import NIOWebSocket

/// HTTP/1.1 and WebSockets on one port: the first request of a connection decides.
///
/// A handshake that `shouldUpgrade` declines, and everything that is no proper handshake, goes to the HTTP responder as it
/// came, so that one place answers 401, 404 and 426. Only a connection's first request can upgrade; browsers and clients
/// open a new connection for a WebSocket.
public struct WebSocketServerChannel: ServerChildChannel {
    /// Decides on the event loop; it must not wait.
    public typealias ShouldUpgrade = @Sendable (WebSocketRequest) -> Bool
    /// Serves one session; the WebSocket closes when it returns.
    public typealias Handler = @Sendable (WebSocketSession, Logger) async throws -> Void

    private let http: HTTP1Channel
    private let configuration: WebSocketConfiguration
    private let shouldUpgrade: ShouldUpgrade
    private let handler: Handler

    /// Makes the child channel.
    public init(
        responder: @escaping HTTPChannelHandler.Responder, http: HTTP1Channel.Configuration = .init(), configuration: WebSocketConfiguration = .init(),
        shouldUpgrade: @escaping ShouldUpgrade, handler: @escaping Handler
    ) {
        self.http = HTTP1Channel(responder: responder, configuration: http)
        self.configuration = configuration
        self.shouldUpgrade = shouldUpgrade
        self.handler = handler
    }

    /// A connection whose first request is still awaited, or was read.
    public struct Value: ServerChildChannelValue {
        public let channel: any Channel
        let outcome: EventLoopFuture<Outcome>
    }

    enum Outcome: Sendable {
        case http(HTTP1Channel.Value)
        case webSocket(UpgradedChannel)
    }

    /// Never waits for the first request here: the next connection is accepted only when this future is done.
    public func setup(channel: any Channel, logger: Logger) -> EventLoopFuture<Value> {
        let promise = channel.eventLoop.makePromise(of: Outcome.self)
        let first = FirstRequestHandler(
            outcome: promise, timeout: configuration.handshakeTimeout, shouldUpgrade: shouldUpgrade,
            makeHTTP: { [http] in http.setup(channel: channel, logger: logger) },
            makeWebSocket: { [configuration] in
                try UpgradedChannel.make(channel, role: .server, configuration: configuration, request: $0)
            }, maxFrameSize: configuration.maxMessageSize)
        do {
            try channel.pipeline.syncOperations.addHandler(first)
        } catch {
            promise.fail(error)
            return channel.eventLoop.makeFailedFuture(error)
        }
        return channel.eventLoop.makeSucceededFuture(Value(channel: channel, outcome: promise.futureResult))
    }

    public func handle(value: Value, logger: Logger) async {
        do {
            let outcome = try await withTaskCancellationHandler {
                try await value.outcome.get()
            } onCancel: {
                value.channel.close(promise: nil)
            }
            switch outcome {
            case .http(let connection): await http.handle(value: connection, logger: logger)
            case .webSocket(let upgraded): try await WebSocketSession.run(upgraded) { try await handler($0, logger) }
            }
        } catch {
            logger.debug("A connection ended", metadata: ["reason": "\(error)"])
            value.channel.close(promise: nil)
        }
    }
}

extension HTTPServerBuilder {
    /// An HTTP/1.1 server whose port also takes WebSockets; see ``WebSocketServerChannel``.
    public static func http1WithWebSocket(
        http: HTTP1Channel.Configuration = .init(), configuration: WebSocketConfiguration = .init(),
        shouldUpgrade: @escaping WebSocketServerChannel.ShouldUpgrade, handler: @escaping WebSocketServerChannel.Handler
    ) -> HTTPServerBuilder {
        HTTPServerBuilder { responder in
            WebSocketServerChannel(responder: responder, http: http, configuration: configuration, shouldUpgrade: shouldUpgrade, handler: handler)
        }
    }
}
