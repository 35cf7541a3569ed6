import ApiumCore
import DynamicJSON
import RedisClient

extension RedisResults {
    public func documents(for ids: [String]) async throws -> [ResultDocument?] {
        guard !ids.isEmpty else { return [] }
        let replies = try await client.reply(RedisCommand("MGET", arguments: ids.map(keys.task)))
        return try mapped { try replies.asArray().map { try $0.bytes.map(options.document) } }
    }

    // MARK: Groups

    /// Stored and published as results are, without an end if theirs have none.
    public func saveGroup(_ id: String, _ tuple: JSONValue) async throws {
        let key = keys.group(id)
        let text = JSONValue.object(["result": tuple]).encoded()
        try await transaction([set(key, text, seconds: options.seconds(of: .success)), RedisCommand("PUBLISH", key, text)])
    }

    public func savedGroup(_ id: String) async throws -> JSONValue? {
        let reply = try await client.reply(RedisCommand("GET", keys.group(id)))
        return try reply.bytes.map { try savedGroup(id, $0) }
    }

    private func savedGroup(_ id: String, _ bytes: [UInt8]) throws -> JSONValue {
        // A tuple nests two levels for each step of a chain in it.
        let json = options.acceptedContent.serializers.contains(.json) ? try? JSONValue(parsing: bytes, limits: JSONLimits(depth: 1000)) : nil
        guard let tuple = try (json ?? options.acceptedContent.value(ofStored: bytes, "group \(id)"))["result"] else {
            throw ApiumError(.badResult, "the saved group \(id) has no result tuple")
        }
        return tuple
    }

    // MARK: Chords

    public func open(_ chords: [ChordSetup]) async throws {
        guard !chords.isEmpty else { return }
        _ = try await client.replies(
            chords.map { chord in
                let saved = chord.savedGroup.map { JSONValue.object(["result": $0]).encoded() } ?? []
                return .eval(RedisScripts.chord, keys: [keys.group(chord.group)], chord.size, options.chordSeconds, saved)
            })
    }

    public func expectMore(_ count: Int, partsOf group: String) async throws {
        var commands = [RedisCommand("INCRBY", keys.more(group), count)]
        if options.chordSeconds > 0 { commands.append(RedisCommand("EXPIRE", keys.more(group), options.chordSeconds)) }
        try await transaction(commands)
    }

    public func bring(_ parts: [ChordPart]) async throws -> [ChordClaim] {
        guard !parts.isEmpty else { return [] }
        var command = RedisCommand.eval(RedisScripts.bring, keys: [], arguments: options.chordSettings)
        for part in parts {
            command.append(keys.group(part.group))
            command.append(part.id)
            command.append(part.score)
            command.append(part.token)
            command.append(part.encoded)
        }
        let answer = try await client.reply(command)
        return try mapped {
            try answer.asArray().map { place in
                let number = try place.asInt()
                guard parts.indices.contains(number - 1) else {
                    throw ApiumError(.notAvailable, "the script that brings parts answered the place \(number) of \(parts.count)")
                }
                return ChordClaim(group: parts[number - 1].group, token: parts[number - 1].token)
            }
        }
    }

    public func resume(_ claim: ChordClaim) async throws -> Bool { try await join("resume", claim.group, claim.token) }

    public func close(_ claim: ChordClaim) async throws -> Bool { try await join("close", claim.group, claim.token) }

    public func abandon(_ group: String) async throws { _ = try await join("abandon", group, "") }

    private func join(_ step: String, _ group: String, _ token: String) async throws -> Bool {
        let command = RedisCommand.eval(
            RedisScripts.join, keys: [keys.group(group)], step, token, options.chordsAreOrdered ? "1" : "0", options.claimSeconds)
        return try await client.reply(command) == .integer(1)
    }

    public func content(of group: String) async throws -> ChordContent {
        let read = options.chordsAreOrdered ? "ZRANGE" : "LRANGE"
        let replies = try await client.replies([RedisCommand(read, keys.parts(group), 0, -1), RedisCommand("GET", keys.group(group))])
        return try mapped {
            let parts = try replies[0].asArray().map { try ChordContent.Part(encoded: $0.asBytes(), of: group, accepting: options.acceptedContent) }
            return ChordContent(parts: parts, savedGroup: try replies[1].bytes.map { try savedGroup(group, $0) })
        }
    }

    // MARK: Commands

    private func set(_ key: String, _ text: [UInt8], seconds: Int64) -> RedisCommand {
        seconds == 0 ? RedisCommand("SET", key, text) : RedisCommand("SET", key, text, "EX", seconds)
    }

    private func transaction(_ commands: [RedisCommand]) async throws {
        guard !commands.isEmpty else { return }
        do {
            for reply in try await client.transaction(commands) { try reply.checked() }
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    private func mapped<Value>(_ body: () throws -> Value) throws -> Value {
        do { return try body() } catch { throw RedisFailure.apiumError(error) }
    }
}
