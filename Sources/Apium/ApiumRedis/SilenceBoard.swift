import ApiumCore
import RedisClient

/// What observers have seen of silent workers, kept on the server so that it does not go with them: nor, where the server keeps its data, with its
/// restart. It ends a minute after nobody has seen anything any more.
struct SilenceBoard {
    let keys: RedisKeys
    let connection: RedisConnection

    /// Stands for any run of the server before this one.
    private static let earlierRun = "-"
    private static let life = Duration.seconds(60)

    /// What was seen in another run of the server than this one counts beyond the grace of the period alone.
    func read(in run: String?) async throws -> [String: LeaseObserver.Silence] {
        guard let run else { return [:] }
        do {
            let pairs = try await connection.send(RedisCommand("HGETALL", keys.silence)).asPairs()
            return Dictionary(pairs.compactMap { field, value in field.string.flatMap { name in Self.silence(value.string, in: run).map { (name, $0) } } }) {
                $1
            }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// Writes nothing while all workers renew. A server that refuses it leaves each observer with what it sees itself.
    func write(_ silences: [String: LeaseObserver.Silence], in run: String?) async throws {
        guard let run, !silences.isEmpty else { return }
        var command = RedisCommand("HSET", keys.silence)
        for (incarnation, silence) in silences {
            command.append(incarnation)
            // What still has to stand the grace of this run has to stand it with the next observer, too.
            command.append("\(silence.length.wholeMicroseconds) \(silence.pending == nil ? run : Self.earlierRun) \(silence.beat ?? "")")
        }
        do {
            _ = try await connection.transaction([command, RedisCommand("PEXPIRE", keys.silence, Self.life.wholeMilliseconds)])
        } catch is RedisServerError {
            return
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    private static func silence(_ text: String?, in run: String) -> LeaseObserver.Silence? {
        guard let parts = text?.split(separator: " ", maxSplits: 2, omittingEmptySubsequences: false), parts.count == 3, let length = Int64(parts[0]),
            length >= 0
        else { return nil }
        return LeaseObserver.Silence(
            beat: parts[2].isEmpty ? nil : String(parts[2]), length: .microseconds(length), pending: parts[1] == run ? nil : .zero)
    }
}
