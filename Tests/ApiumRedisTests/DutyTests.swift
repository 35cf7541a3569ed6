import ApiumCore
import RedisClient
import Testing

@testable import ApiumRedis

@Suite("Between two rounds of the shared duties", .enabled(if: Bench.url != nil), .timeLimit(.minutes(1)))
struct DutyTests {
    @Test("the janitor rests while nothing is due, and is told of what is due before its next look")
    func told() async throws {
        try await Bench.with { bench in
            let session = try await bench.session()
            // Until the next half second, if it listens; the job is to be due well before.
            try await bench.eventually("it listens, and rests") { try await session.maintain().next > .milliseconds(200) }
            try await bench.enqueue(["soon"], after: .milliseconds(30))
            // Nothing but the notice ends this in time.
            try await within("the notice") { await session.untilMaintenance(atMost: .seconds(60)) }
            try await bench.eventually("the job is there") {
                await session.untilMaintenance(atMost: try await session.maintain().next)
                return try await bench.waiting() == ["soon"]
            }
            try await session.close()
        }
    }

    @Test("another session takes the duties over when a renewal has told it that nobody has them")
    func vacancy() async throws {
        try await Bench.with { bench in
            let janitor = try await bench.session("janitor")
            try await bench.eventually("the duties are somebody's") { try await janitor.maintain().isJanitor }
            let other = try await bench.session("other", lease: .milliseconds(600))
            #expect(try await !other.maintain().isJanitor)
            try await janitor.close()
            try await within("the duties") {
                repeat { await other.untilMaintenance(atMost: .seconds(60)) } while try await !other.maintain().isJanitor
            }
            try await other.close()
        }
    }

    @Test("who may not publish enqueues for later all the same, and a janitor that may not listen looks often")
    func silenced() async throws {
        try await Bench.with { bench in
            let user = "silenced-\(JobID.make())"
            try await bench.redis.send(RedisCommand("ACL", "SETUSER", user, "on", "nopass", "~*", "+@all", "resetchannels"))
            var configuration = bench.configuration
            (configuration.username, configuration.password) = (user, "any")
            try await Bench.with(on: configuration) { bench in
                let session = try await bench.session()
                let first = try await session.maintain()
                #expect(first.isJanitor && first.next <= .milliseconds(20))
                try await bench.enqueue(["soon"], after: .milliseconds(30))
                try await bench.eventually("the job is there") {
                    await session.untilMaintenance(atMost: try await session.maintain().next)
                    return try await bench.waiting() == ["soon"]
                }
                try await session.close()
            }
            try await bench.redis.send(RedisCommand("ACL", "DELUSER", user))
        }
    }
}
