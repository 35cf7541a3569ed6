import ApiumCore
import RedisClient

/// What observers have seen of silent workers, kept on the server so that it does not go with them. It ends with the run of the server, and ten
/// seconds after nobody has seen anything any more.
struct SilenceBoard {
    let keys: RedisKeys
    let connection: RedisConnection

    private static let life = Duration.seconds(10)

    func read(of server: String?) async throws -> [String: LeaseObserver.Silence] {
        guard let server else { return [:] }
        do {
            let pairs = try await connection.send(RedisCommand("HGETALL", keys.silence(server))).asPairs()
            return Dictionary(pairs.compactMap { field, value in field.string.flatMap { name in Self.silence(value.string).map { (name, $0) } } }) { $1 }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// Writes nothing while all workers renew. A server that refuses it leaves each observer with what it sees itself.
    func write(_ silences: [String: LeaseObserver.Silence], of server: String?) async throws {
        guard let server, !silences.isEmpty else { return }
        var command = RedisCommand("HSET", keys.silence(server))
        for (incarnation, silence) in silences {
            command.append(incarnation)
            command.append("\(silence.length.wholeMicroseconds) \(silence.beat ?? "")")
        }
        do {
            _ = try await connection.transaction([command, RedisCommand("PEXPIRE", keys.silence(server), Self.life.wholeMilliseconds)])
        } catch is RedisServerError {
            return
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    private static func silence(_ text: String?) -> LeaseObserver.Silence? {
        guard let parts = text?.split(separator: " ", maxSplits: 1, omittingEmptySubsequences: false), parts.count == 2, let length = Int64(parts[0]),
            length >= 0
        else { return nil }
        return LeaseObserver.Silence(beat: parts[1].isEmpty ? nil : String(parts[1]), length: .microseconds(length))
    }
}
