import ApiumCore
import DynamicJSON
import RedisClient

extension RedisBroker {
    public func revoke(_ revocation: Revocation) async throws {
        let stamps = revocation.stamps.flatMap { name, values in values.map { RevokedStamp.member(name, $0) } }
        guard !revocation.ids.isEmpty || !stamps.isEmpty else { return }
        var command = RedisCommand.eval(
            RedisScripts.revoke, keys: [keys.revoked, keys.terminated, keys.revokedStamps, keys.terminatedStamps, keys.control, keys.revokers],
            options.revokeExpires.wholeMilliseconds, keys.control, revocation.terminate ? "1" : "0", revocation.by ?? "", revocation.ids.count)
        command.append(contentsOf: revocation.ids)
        command.append(contentsOf: stamps)
        try await client.reply(command)
    }

    public func controlState() async throws -> ControlState { try await controlState(since: nil, knowing: 0) }

    /// See ``BrokerSession/control(since:knowing:)``.
    func controlState(since known: Int64?, knowing ids: Int) async throws -> ControlState {
        do {
            let answer = try await client.reply(
                .eval(
                    RedisScripts.control,
                    keys: [keys.control, keys.revoked, keys.terminated, keys.revokedStamps, keys.terminatedStamps, keys.limits, keys.paused, keys.revokers],
                    known.map(String.init) ?? "", ids)
            ).asArray()
            guard answer.count == 8 else { throw ApiumError(.notAvailable, "the control script answered \(answer.count) parts, not 8") }
            var control = ControlState(
                epoch: Int64(try answer[0].asInt()), revoked: try Self.texts(answer[1]), terminated: try Self.texts(answer[2]),
                revokedStamps: RevokedStamp.table(try Self.texts(answer[3])), terminatedStamps: RevokedStamp.table(try Self.texts(answer[4])))
            control.holds = HoldState(limits: try answer[5].asArray(), paused: try Self.texts(answer[6]))
            if answer[7] == .integer(1) { control.since = known }
            return control
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    private static func texts(_ reply: RESPValue) throws -> Set<String> { Set(try reply.asArray().map { try $0.asString() }) }
}

/// A revoked stamp as a member of a set: its name, NUL, its value as JSON.
enum RevokedStamp {
    static func member(_ name: String, _ value: JSONValue) -> String { "\(name)\u{0}\(value.text)" }

    /// The members as a table; what is none is left out.
    static func table(_ members: Set<String>) -> [String: Set<JSONValue>] {
        var table: [String: Set<JSONValue>] = [:]
        for member in members {
            // A value's JSON has no NUL in it, so the last one is the one between.
            guard let end = member.lastIndex(of: "\u{0}"), let value = try? JSONValue(parsing: String(member[member.index(after: end)...])) else { continue }
            table[String(member[..<end]), default: []].insert(value)
        }
        return table
    }
}
