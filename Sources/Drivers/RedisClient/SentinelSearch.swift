import Logging
import NIOCore

/// Finds the present master by asking sentinels, and connects to it.
///
/// A sentinel may be down, may not know the group, or may name a server that is no master any more (it learns of a failover a moment
/// later than others): each is then a reason to ask the next one. Nothing is remembered: every new connection asks again, so after a
/// failover reconnecting is enough.
struct SentinelSearch {
    let configuration: RedisConfiguration
    let sentinels: RedisSentinels
    let eventLoop: any EventLoop
    let logger: Logger

    /// How long one sentinel may take: several that are down must not use up the patience of whoever waits.
    private var patience: Duration { min(configuration.connectTimeout, .seconds(2)) }

    /// - Throws: `RedisClientError` with code `connectFailed` and what each sentinel led to; `authenticationFailed` when the master refuses
    ///   us, which no other sentinel would change.
    func connect() async throws -> RedisConnection {
        guard !sentinels.masterName.isEmpty else {
            throw RedisConfiguration.invalid("names sentinels but no master; add ?master_name=… or the transport option master_name")
        }
        var faults: [String] = []
        for host in sentinels.hosts {
            do {
                guard let master = try await master(by: host) else {
                    faults.append("\(host) knows no master '\(sentinels.masterName)'")
                    continue
                }
                if let connection = try await connect(to: master) { return connection }
                faults.append("\(host) names \(master), which is no master")
            } catch let error as RedisClientError where error.code == .authenticationFailed && !error.message.contains("sentinel") {
                throw error
            } catch let error as RedisClientError where error.code == .notSupported || error.code == .tlsFailed {
                throw error
            } catch {
                faults.append("\(host): \(error)")
            }
        }
        throw RedisClientError(.connectFailed, "no sentinel led to the master '\(sentinels.masterName)': \(faults.joined(separator: "; "))")
    }

    /// Asks one sentinel; nil if it doesn't know the group.
    private func master(by host: RedisSentinels.Host) async throws -> RedisSentinels.Host? {
        let address = RedisConfiguration.Address.tcp(host: host.name, port: host.port)
        let own = RedisConfiguration(
            address: address, username: sentinels.username, password: sentinels.password, connectTimeout: patience, commandTimeout: patience,
            tls: sentinels.tls)
        let connection: RedisConnection
        do {
            connection = try await RedisConnection.open(own, on: eventLoop, logger: logger).get()
        } catch let error as RedisClientError where error.code == .authenticationFailed {
            throw RedisClientError(.authenticationFailed, "the sentinel refused the user or the password", underlying: error.underlying)
        }
        defer { connection.closeNow() }
        let reply = try await connection.send(RedisCommand("SENTINEL", "get-master-addr-by-name", sentinels.masterName))
        guard let parts = reply.array, parts.count == 2, let name = parts[0].string, let port = parts[1].int else { return nil }
        return RedisSentinels.Host(name, port: port)
    }

    /// Connects and asks the server itself; nil if it isn't a master.
    private func connect(to master: RedisSentinels.Host) async throws -> RedisConnection? {
        var direct = configuration
        direct.address = .tcp(host: master.name, port: master.port)
        let connection = try await RedisConnection.open(direct, on: eventLoop, logger: logger, endsWhenReadOnly: true).get()
        let role: RESPValue
        do {
            role = try await connection.send(RedisCommand("ROLE"), timeout: patience)
        } catch let error as RedisServerError where error.code == "NOPERM" {
            logger.notice("Redis doesn't let us ask for its role; trusting the sentinel", metadata: ["error": "\(error)"])
            return connection
        } catch {
            connection.closeNow()
            throw error
        }
        if role.array?.first?.string == "master" { return connection }
        connection.closeNow()
        return nil
    }
}
