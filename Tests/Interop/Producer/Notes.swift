import Foundation
import Logging
import RedisClient

/// Where the task `matrix.note` writes what nothing else would show.
struct Notes: Sendable {
    private let redis: RedisClient

    init(url: String) throws {
        redis = RedisClient(try RedisConfiguration(url: url), logger: Logger(label: "notes"))
    }

    /// Waits for the first note under a key.
    func first(_ key: String) async throws -> String {
        let found = try await waiting(for: "a note under \(key)") { try await redis.send(RedisCommand("LPOP", key)).string }
        await redis.shutdown()
        return found
    }
}

/// Asks again and again until there is an answer, for half a minute.
func waiting<Answer>(for what: String, _ ask: () async throws -> Answer?) async throws -> Answer {
    let clock = ContinuousClock()
    let deadline = clock.now + .seconds(30)
    while clock.now < deadline {
        if let answer = try await ask() { return answer }
        try await clock.sleep(for: .milliseconds(20))
    }
    throw WaitedInVain(what: what)
}

/// What was waited for did not come.
struct WaitedInVain: Error, CustomStringConvertible {
    var what: String
    var description: String { "waited 30 s for \(what)" }
}
