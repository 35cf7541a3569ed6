import GRPCCore
import PriceWatchProto
import Synchronization

/// What the health service answers, and who waits for a change.
final class ServingState: Sendable {
    private struct State {
        var status = Grpc_Health_V1_HealthCheckResponse.ServingStatus.serving
        var watchers: [Int: AsyncStream<Grpc_Health_V1_HealthCheckResponse.ServingStatus>.Continuation] = [:]
        var nextWatcher = 0
        var isListening = false
    }

    private let state = Mutex(State())

    /// The state now.
    var status: Grpc_Health_V1_HealthCheckResponse.ServingStatus { state.withLock { $0.status } }

    /// Whether the server's port is open: what a look from within the process has to know beside the status.
    var isListening: Bool {
        get { state.withLock { $0.isListening } }
        set { state.withLock { $0.isListening = newValue } }
    }

    /// The state now and each later one; ends after NOT_SERVING, which is said once, when the server stops.
    func changes() -> AsyncStream<Grpc_Health_V1_HealthCheckResponse.ServingStatus> {
        let (stream, continuation) = AsyncStream.makeStream(of: Grpc_Health_V1_HealthCheckResponse.ServingStatus.self, bufferingPolicy: .bufferingNewest(4))
        let id = state.withLock { state in
            defer { state.nextWatcher += 1 }
            continuation.yield(state.status)
            if state.status == .notServing { continuation.finish() } else { state.watchers[state.nextWatcher] = continuation }
            return state.nextWatcher
        }
        continuation.onTermination = { [weak self] _ in self?.forget(id) }
        return stream
    }

    /// Says that the server stops, and lets the watching calls end so that it can.
    func stop() {
        let watchers = state.withLock { state in
            state.status = .notServing
            defer { state.watchers = [:] }
            return Array(state.watchers.values)
        }
        for watcher in watchers {
            watcher.yield(.notServing)
            watcher.finish()
        }
    }

    private func forget(_ id: Int) {
        _ = state.withLock { $0.watchers.removeValue(forKey: id) }
    }
}

/// gRPC's standard health service, `grpc.health.v1`.
struct HealthService: Grpc_Health_V1_Health.SimpleServiceProtocol {
    /// The services that the server has; the empty name is the server itself.
    static let services: Set<String> = ["", Pricewatch_Parser_V1_ParserService.descriptor.fullyQualifiedService]

    let serving: ServingState

    func check(request: Grpc_Health_V1_HealthCheckRequest, context: ServerContext) async throws -> Grpc_Health_V1_HealthCheckResponse {
        guard Self.services.contains(request.service) else { throw RPCError(code: .notFound, message: "the server has no such service") }
        return Self.response(serving.status)
    }

    func watch(request: Grpc_Health_V1_HealthCheckRequest, response: RPCWriter<Grpc_Health_V1_HealthCheckResponse>, context: ServerContext) async throws {
        // A watcher of an unknown service is told so and kept, by the protocol: the service may appear. Here none does.
        let isKnown = Self.services.contains(request.service)
        for await status in serving.changes() {
            try await response.write(Self.response(isKnown ? status : .serviceUnknown))
        }
    }

    private static func response(_ status: Grpc_Health_V1_HealthCheckResponse.ServingStatus) -> Grpc_Health_V1_HealthCheckResponse {
        var response = Grpc_Health_V1_HealthCheckResponse()
        response.status = status
        return response
    }
}
