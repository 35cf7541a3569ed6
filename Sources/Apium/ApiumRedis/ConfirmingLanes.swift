import ApiumCore
import Logging
import NIOCore
import RedisClient
import Synchronization

/// Connections for writes that wait for a confirmation: `WAIT` holds up whatever follows on its connection, and counts what was written on
/// it, so both go over one that nobody else shares. A few of them; a call takes the one with the fewest others on it.
final class ConfirmingLanes: Sendable {
    private struct Lane {
        let client: RedisClient
        var users = 0
        /// How long those before may hold the connection.
        var ahead: Duration = .zero
    }

    private let lanes = Mutex<[Lane]>([])
    private let limit: Int
    private let make: @Sendable () -> RedisClient

    /// - Parameter limit: how many connections there are at most.
    init(limit: Int, make: @escaping @Sendable () -> RedisClient) {
        self.limit = max(limit, 1)
        self.make = make
    }

    /// Runs `write` on a connection, then asks for the confirmation on the same.
    ///
    /// - Throws: ``ApiumError`` `notAvailable` before anything is written when the server has no such confirmation.
    func confirming<Value>(
        _ durability: Durability, _ write: (_ connection: RedisConnection, _ timeout: Duration) async throws -> Value
    ) async throws -> (Value, Confirmation) {
        let (number, client, ahead) = take(durability)
        defer { giveBack(number, durability) }
        let connection: RedisConnection
        do { connection = try await client.connection() } catch { throw RedisFailure.apiumError(error) }
        let patience = client.configuration.commandTimeout + ahead
        if durability.isOnDisk { try await checkDisk(connection, patience) }
        let value = try await write(connection, patience)
        do {
            let reply = try await connection.send(durability.command, timeout: patience + durability.timeout)
            return (value, try Confirmation(reply, durability))
        } catch is CancellationError {
            throw CancellationError()
        } catch {
            throw ApiumError(.unavailable, "the jobs were enqueued, but whether they are kept as was asked is not known", underlying: error)
        }
    }

    func shutdown() async {
        for lane in lanes.withLock({ $0 }) { await lane.client.shutdown() }
    }

    private func take(_ durability: Durability) -> (Int, RedisClient, Duration) {
        lanes.withLock { lanes in
            var number = lanes.indices.min { lanes[$0].users < lanes[$1].users }
            if number.map({ lanes[$0].users > 0 }) ?? true, lanes.count < limit {
                lanes.append(Lane(client: make()))
                number = lanes.count - 1
            }
            // There is at least one: the limit is.
            let index = number ?? 0
            defer {
                lanes[index].users += 1
                lanes[index].ahead += durability.timeout
            }
            return (index, lanes[index].client, lanes[index].ahead)
        }
    }

    private func giveBack(_ number: Int, _ durability: Durability) {
        lanes.withLock { lanes in
            lanes[number].users -= 1
            lanes[number].ahead -= durability.timeout
        }
    }

    /// Asks for nothing but whether `WAITAOF` can be asked: of a connection without writes it is answered at once.
    private func checkDisk(_ connection: RedisConnection, _ timeout: Duration) async throws {
        do {
            try await connection.send(RedisCommand("WAITAOF", 1, 0, 1), timeout: timeout)
        } catch let error as RedisServerError where error.code == "ERR" || error.code == "NOPERM" {
            throw ApiumError(
                .notAvailable, "the server cannot confirm writes to disk: that needs Redis 7.2 or Valkey, appendonly yes, and the command WAITAOF",
                underlying: error)
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }
}

extension Durability {
    fileprivate var command: RedisCommand {
        // Zero would be for ever.
        let milliseconds = max(timeout.wholeMilliseconds, 1)
        return isOnDisk ? RedisCommand("WAITAOF", 1, max(replicas, 0), milliseconds) : RedisCommand("WAIT", max(replicas, 0), milliseconds)
    }
}

extension Confirmation {
    fileprivate init(_ reply: RESPValue, _ asked: Durability) throws {
        guard asked.isOnDisk else {
            self.init(asked: asked, replicas: try reply.asInt(), isOnDisk: false)
            return
        }
        let numbers = try reply.asArray().map { try $0.asInt() }
        guard numbers.count == 2 else { throw ApiumError(.notAvailable, "WAITAOF answered \(numbers.count) numbers, not two") }
        self.init(asked: asked, replicas: numbers[1], isOnDisk: numbers[0] > 0)
    }
}
