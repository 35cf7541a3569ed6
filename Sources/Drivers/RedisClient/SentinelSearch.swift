import Logging
import NIOCore

/// Finds the present master by asking sentinels, and connects to it.
///
/// A sentinel may be down, may not know the group, or may name a server that is no master any more (it learns of a failover a moment
/// later than others): each is then a reason to ask the next one. Every new connection asks again; what the process has learnt before stands
/// in its `SentinelWatch`, so that no connection goes back to a server that others have left.
struct SentinelSearch {
    let configuration: RedisConfiguration
    let sentinels: RedisSentinels
    let eventLoop: any EventLoop
    let logger: Logger

    private var patience: Duration { min(configuration.connectTimeout, SentinelWatch.patience) }

    /// - Throws: `RedisClientError` with code `connectFailed` and what each sentinel led to; `authenticationFailed` when the master refuses
    ///   us, which no other sentinel would change.
    func connect() async throws -> RedisConnection {
        guard !sentinels.masterName.isEmpty else {
            throw RedisConfiguration.invalid("names sentinels but no master; add ?master_name=… or the transport option master_name")
        }
        let watch = SentinelWatch.of(sentinels, logger: logger)
        var faults: [String] = []
        var ofThePast: [(answer: SentinelAnswer, by: RedisSentinels.Host)] = []
        for host in watch.order {
            do {
                guard let answer = try await answer(of: host) else {
                    faults.append("\(host) knows no master '\(sentinels.masterName)'")
                    continue
                }
                guard watch.follow([answer]) != nil else {
                    faults.append("\(host) names \(answer.host), which another one has taken the place of")
                    ofThePast.append((answer, host))
                    continue
                }
                if let connection = try await connect(to: answer, by: host, watch) { return connection }
                faults.append("\(host) names \(answer.host), which is no master")
            } catch {
                if let refusal = Self.refusal(error) { throw refusal }
                faults.append("\(host): \(error)")
            }
        }
        // Most of them may agree that it is as they say.
        if let master = watch.follow(ofThePast.map(\.answer)), let (answer, host) = ofThePast.first(where: { $0.answer.host == master }),
            let connection = try await connect(to: answer, by: host, watch)
        {
            return connection
        }
        throw RedisClientError(.connectFailed, "no sentinel led to the master '\(sentinels.masterName)': \(faults.joined(separator: "; "))")
    }

    /// What no other sentinel would change.
    private static func refusal(_ error: any Error) -> RedisClientError? {
        guard let error = error as? RedisClientError else { return nil }
        let isOfMaster = error.code == .authenticationFailed && !error.message.contains("sentinel")
        return isOfMaster || error.code == .notSupported || error.code == .tlsFailed ? error : nil
    }

    /// Asks one sentinel; nil if it doesn't know the group.
    private func answer(of host: RedisSentinels.Host) async throws -> SentinelAnswer? {
        let connection: RedisConnection
        do {
            connection = try await RedisConnection.open(sentinels.configuration(of: host, patience: patience), on: eventLoop, logger: logger).get()
        } catch let error as RedisClientError where error.code == .authenticationFailed {
            throw RedisClientError(.authenticationFailed, "the sentinel refused the user or the password", underlying: error.underlying)
        }
        defer { connection.closeNow() }
        return try SentinelAnswer(try await connection.pipeline(SentinelAnswer.question(sentinels.masterName)))
    }

    /// Connects and asks the server itself; nil if it isn't the master.
    private func connect(to answer: SentinelAnswer, by guide: RedisSentinels.Host, _ watch: SentinelWatch) async throws -> RedisConnection? {
        guard let connection = try await connect(to: answer.host) else { return nil }
        if watch.keep(connection, to: answer, by: guide) { return connection }
        connection.closeNow()
        return nil
    }

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
