import DynamicJSON
public import Hummingbird
import HummingbirdCore
import Logging
import Metrics
import NIOCore
import Tracing

/// Answers HTTP requests: finds the operation, checks the token, its rate and the input, runs the handler, and turns every
/// fault into its JSON. Nothing that a client sends leads to a 500.
public struct APIResponder: HTTPResponder {
    static let webSocketPath = "/ws"

    let table: OperationTable
    let authenticator: TokenAuthenticator
    let buckets: TokenBuckets
    let rateLimit: RateLimit
    let serviceRateLimit: RateLimit
    let mounts: [Mount]

    public func respond(to request: Request, context: APIContext) async throws -> Response {
        try await RequestSpan.around(request) { try await answer(request, context, $0) }
    }

    private func answer(_ request: Request, _ context: APIContext, _ span: (any Span)?) async throws -> Response {
        let start = ContinuousClock.now
        let requestID = Self.requestID(request)
        var record = AccessRecord(method: request.method.rawValue, id: requestID)
        var logger = context.logger
        logger[metadataKey: "hb.request.id"] = nil
        logger[metadataKey: "request"] = .string(requestID)
        var response: Response
        do {
            response = try await route(request, context, logger, &record)
        } catch let error as APIError {
            response = Self.response(error)
        } catch is CancellationError {
            response = Self.response(APIError(.unavailable, "the server is shutting down"))
        } catch {
            logger.error("A request failed", metadata: ["path": "\(record.path)", "error": "\(error)"])
            response = Self.response(APIError(.internalError, "the request could not be handled; its id is \(requestID)"))
        }
        response.headers[.requestID] = requestID
        if request.method == .head { response = Response(status: response.status, headers: Self.withLength(response), body: .init()) }
        span?.ended(record, status: response.status.code)
        record.finish(status: response.status.code, in: ContinuousClock.now - start, logger: logger)
        return response
    }

    private func route(_ request: Request, _ context: APIContext, _ logger: Logger, _ record: inout AccessRecord) async throws -> Response {
        guard let target = RequestTarget(request.head.path ?? "/") else {
            throw APIError(.badRequest, "the request's path or query is not proper percent-encoded UTF-8")
        }
        record.path = target.rawPath
        if let mount = mounts.first(where: { $0.takes(target.rawPath) }) {
            record.route = mount.prefix
            return try await mount.respond(request, context)
        }
        switch table.match(request.method, target.parts) {
        case .found(let operation, let path):
            record.route = operation.description.path.text
            return try await run(operation, path, target, request, &record)
        case .otherMethods(let allowed):
            var error = APIError(.methodNotAllowed, "\(target.rawPath) does not take \(request.method.rawValue), but \(allowed.joined(separator: ", "))")
            error.headers["Allow"] = allowed.joined(separator: ", ")
            throw error
        case .none:
            if target.rawPath == Self.webSocketPath { throw try await refuseWebSocket(request) }
            throw APIError(.notFound, "there is nothing here; /docs shows what there is")
        }
    }

    /// A request to `/ws` comes here when it was no handshake or had not the bot's token.
    private func refuseWebSocket(_ request: Request) async throws -> APIError {
        let caller = try await authenticator.caller(request.headers[.authorization])
        guard caller.scopes.contains(.service), authenticator.isService(request.headers[.authorization]) else {
            return APIError(.forbidden, "the WebSocket is for the service token")
        }
        var error = APIError(.upgradeRequired, "this is a WebSocket, version 13, on the first request of a connection")
        error.headers["Upgrade"] = "websocket"
        error.headers["Sec-WebSocket-Version"] = "13"
        return error
    }

    private func run(
        _ operation: Operation, _ path: [String: String], _ target: RequestTarget, _ request: Request, _ record: inout AccessRecord
    ) async throws -> Response {
        var call = Call(path: path, headers: request.headers)
        if let scopes = operation.description.scopes {
            let caller = try await authenticator.caller(request.headers[.authorization])
            record.caller = caller.name
            try limit(caller)
            guard caller.holds(oneOf: scopes) else {
                throw APIError(.forbidden, "this token lacks the scope \(scopes.map(\.rawValue).sorted().joined(separator: " or "))")
            }
            call.caller = caller
        }
        try Self.checkAccept(request, operation.description)
        call.query = try Self.query(target, operation.description)
        if operation.description.body != nil { call.body = try await Self.body(request) }
        return Self.response(try await operation.run(call))
    }

    private func limit(_ caller: Caller) throws {
        let limit = caller.scopes.contains(.service) ? serviceRateLimit : rateLimit
        guard let wait = buckets.take(from: caller.id, limit: limit) else { return }
        throw APIError(.rateLimited, "too many requests of this token; \(limit.perSecond) a second are allowed").retrying(after: wait)
    }
}
