import HTTPFetch
import Logging
import Testing

/// Runs the body with a fetcher that is shut down afterwards.
func withFetcher<T>(
    _ policy: AddressPolicy, limits: FetchLimits = FetchLimits(total: .seconds(10)), _ body: (HTTPFetcher) async throws -> T
) async throws -> T {
    let fetcher = HTTPFetcher(configuration: .init(addressPolicy: policy, limits: limits), logger: Logger(label: "test"))
    do {
        let value = try await body(fetcher)
        await fetcher.shutdown()
        return value
    } catch {
        await fetcher.shutdown()
        throw error
    }
}

/// Runs the body with a server and a fetcher that may reach it.
func withServer<T>(
    limits: FetchLimits = FetchLimits(total: .seconds(10)), answer: @escaping @Sendable (LoopbackServer.Exchange) -> Void,
    _ body: (LoopbackServer, HTTPFetcher) async throws -> T
) async throws -> T {
    let server = try LoopbackServer(answer)
    defer { server.stop() }
    return try await withFetcher(try .publicInternet(allowing: [server.hostAndPort]), limits: limits) { try await body(server, $0) }
}

/// The code with which the body fails.
func code(_ body: () async throws -> some Any) async -> FetchError.Code? {
    do {
        _ = try await body()
        return nil
    } catch {
        return (error as? FetchError)?.code
    }
}

/// Expects the body to fail with the code.
func expect(_ expected: FetchError.Code, sourceLocation: SourceLocation = #_sourceLocation, _ body: () async throws -> some Any) async {
    let found = await code(body)
    #expect(found == expected, sourceLocation: sourceLocation)
}
