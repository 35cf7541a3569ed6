import GRPCCore
import GRPCNIOTransportHTTP2Posix
import PriceWatchProto

/// Calls as any gRPC client makes them, statuses and all.
enum Raw {
    typealias Transport = HTTP2ClientTransport.Posix

    static func parse(_ port: Int, _ link: String) async throws -> Pricewatch_Parser_V1_ParseResponse {
        try await with(port) { client in
            var request = Pricewatch_Parser_V1_ParseRequest()
            request.link = link
            return try await Pricewatch_Parser_V1_ParserService.Client(wrapping: client).parse(request)
        }
    }

    /// The indices in the order of arrival.
    static func batch(_ port: Int, _ links: [String]) async throws -> [Int] {
        try await with(port) { client in
            var request = Pricewatch_Parser_V1_ParseBatchRequest()
            request.links = links
            return try await Pricewatch_Parser_V1_ParserService.Client(wrapping: client).parseBatch(request) { response in
                try await response.messages.reduce(into: []) { $0.append(Int($1.index)) }
            }
        }
    }

    static func health(_ port: Int, _ service: String) async throws -> Grpc_Health_V1_HealthCheckResponse.ServingStatus {
        try await with(port) { client in
            var request = Grpc_Health_V1_HealthCheckRequest()
            request.service = service
            return try await Grpc_Health_V1_Health.Client(wrapping: client).check(request).status
        }
    }

    static func firstWatched(_ port: Int, _ service: String) async throws -> Grpc_Health_V1_HealthCheckResponse.ServingStatus? {
        try await with(port) { client in
            var request = Grpc_Health_V1_HealthCheckRequest()
            request.service = service
            return try await Grpc_Health_V1_Health.Client(wrapping: client).watch(request) { response in
                for try await message in response.messages { return message.status }
                return nil
            }
        }
    }

    /// The status with which the body fails; nil when it succeeds.
    static func code(_ body: () async throws -> some Any) async -> RPCError.Code? {
        do {
            _ = try await body()
            return nil
        } catch {
            return (error as? RPCError)?.code
        }
    }

    private static func with<Value: Sendable>(_ port: Int, _ body: @Sendable @escaping (GRPCClient<Transport>) async throws -> Value) async throws -> Value {
        let transport = try Transport(target: .ipv4(address: "127.0.0.1", port: port), transportSecurity: .plaintext)
        return try await withGRPCClient(transport: transport) { try await body($0) }
    }
}
