import ApiumCore
import DynamicJSON
import Foundation
import Logging
import RedisClient

/// The Redis database in which tasks leave marks for their test: `$REDIS_HOST`, `$REDIS_PORT`, `$REDIS_PASSWORD`, database 0.
struct SideChannel: Sendable {
    private let redis: RedisClient

    /// Connects when it is first used.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` when the port is no number.
    init(environment: [String: String], logger: Logger) throws {
        let text = environment["REDIS_PORT"] ?? "6379"
        guard let port = Int(text) else { throw ApiumError(.invalidConfiguration, "REDIS_PORT is \"\(text)\"; it takes a port's number") }
        let address = RedisConfiguration.Address.tcp(host: environment["REDIS_HOST"] ?? "localhost", port: port)
        redis = RedisClient(RedisConfiguration(address: address, password: environment["REDIS_PASSWORD"]), logger: logger)
    }

    /// Appends a value to a list.
    ///
    /// - Throws: ``JobFailure`` `DataError` for what redis-py would not take either.
    func append(_ value: JSONValue, to key: String) async throws {
        try await redis.send(RedisCommand("RPUSH", key, Self.bytes(value)))
    }

    /// Counts one more.
    func increment(_ key: String) async throws {
        try await redis.send(RedisCommand("INCR", key))
    }

    func shutdown() async { await redis.shutdown() }

    private static func bytes(_ value: JSONValue) throws -> [UInt8] {
        switch value {
        case .string(let text): return Array(text.utf8)
        case .int, .double: return Array(PythonText.text(value).utf8)
        case .object(let tagged) where tagged.count == 2:
            if tagged["__type__"] == "bytes", let text = tagged["__value__"]?.stringValue { return Array(text.utf8) }
            if tagged["__type__"] == "base64", let data = tagged["__value__"]?.stringValue.flatMap({ Data(base64Encoded: $0) }) { return Array(data) }
        default: break
        }
        throw JobFailure(
            type: "DataError", arguments: [.string("Invalid input: \(PythonText.text(value)). Convert to a bytes, string, int or float first.")],
            module: "redis.exceptions")
    }
}
