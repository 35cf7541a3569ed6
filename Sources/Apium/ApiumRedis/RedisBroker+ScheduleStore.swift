import ApiumCore
import RedisClient

extension RedisBroker {
    public func schedule() async throws -> StoredSchedule {
        do {
            let replies = try await client.transaction([
                RedisCommand("GET", keys.beatGeneration), RedisCommand("GET", keys.scheduleRevision), RedisCommand("HGETALL", keys.beatEntries),
                RedisCommand("HGETALL", keys.scheduleEdits), RedisCommand("HGETALL", keys.beatSince), RedisCommand("HGETALL", keys.beatMarks),
            ])
            func number(_ reply: RESPValue) -> Int64 { reply.string.flatMap { Int64($0) } ?? 0 }
            let marks = try Self.texts(in: replies[5])
            let progress = try Self.texts(in: replies[4]).compactMapValues { Int64($0) }.map { entry, since in
                (entry, EntryProgress(since: Timestamp(microseconds: since), mark: marks[entry].flatMap { Int64($0) }.map(Timestamp.init(microseconds:))))
            }
            return StoredSchedule(
                edition: ScheduleEdition(generation: number(replies[0]), revision: number(replies[1])), deployed: try Self.texts(in: replies[2]),
                edits: try Self.texts(in: replies[3]), progress: Dictionary(progress) { $1 })
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func edit(_ edits: [ScheduleEdit], by editor: ScheduleEditor) async throws -> Int64? {
        var command = RedisCommand.eval(
            RedisScripts.edit, keys: [keys.scheduleEdits, keys.scheduleRevision, keys.scheduleAudit, keys.scheduleChanges], editor.name, editor.action,
            ScheduleAuditRecord.kept)
        for edit in edits {
            command.append(contentsOf: [edit.entry, edit.before == nil ? "0" : "1", edit.before ?? "", edit.after == nil ? "0" : "1", edit.after ?? ""])
        }
        do {
            let revision = try await client.reply(command).asInt()
            return revision < 0 ? nil : Int64(revision)
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func ledger(_ query: LedgerQuery) async throws -> [SlotRecord] {
        guard query.limit > 0 else { return [] }
        do {
            let marks = query.entry == nil ? try await client.reply(RedisCommand("HKEYS", keys.beatMarks)).asArray().map { try $0.asString() } : []
            var found: [SlotRecord] = []
            for entry in query.entry.map({ [$0] }) ?? marks { found += try await records(of: entry, query) }
            return Array(found.sorted { ($0.slot, $0.entry) > ($1.slot, $1.entry) }.prefix(query.limit))
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    /// The newest records of an entry that are wanted. A record of several slots stands at its last one, which may be after `until`.
    private func records(of entry: String, _ query: LedgerQuery) async throws -> [SlotRecord] {
        let start = query.since.map { String(max(0, $0.microseconds)) } ?? "-"
        var found: [SlotRecord] = []
        var end = "+"
        while found.count < query.limit {
            let page = try await client.reply(RedisCommand("XREVRANGE", keys.beatLedger(entry), end, start, "COUNT", 500)).asArray()
            for line in page {
                let record = try SlotRecord(entry, line)
                if query.fits(record) { found.append(record) }
                end = "(\(record.slot.microseconds)-0"
            }
            if page.count < 500 { break }
        }
        return Array(found.prefix(query.limit))
    }

    public func scheduleAudit(entry: String?, limit: Int) async throws -> [ScheduleAuditRecord] {
        guard limit > 0 else { return [] }
        do {
            // The stream is short; what is wanted of it may be anywhere.
            let lines = try await client.reply(RedisCommand("XREVRANGE", keys.scheduleAudit, "+", "-")).asArray()
            let records = try lines.map { try ScheduleAuditRecord($0) }
            return Array(records.filter { record in entry.map { $0 == record.entry } ?? true }.prefix(limit))
        } catch {
            throw RedisFailure.apiumError(error)
        }
    }

    public func scheduleChanges() async throws -> AsyncStream<Void> {
        let events: AsyncStream<RedisSubscriptionEvent>
        do {
            // A lost connection is a change too: what was published meanwhile is not known.
            events = try await subscriber.events(channels: [keys.scheduleChanges], bufferLimit: 16)
        } catch {
            throw RedisFailure.apiumError(error)
        }
        return AsyncStream { await Self.next(of: events) }
    }

    private static func next(of events: AsyncStream<RedisSubscriptionEvent>) async -> Void? {
        for await _ in events { return () }
        return nil
    }

    /// A reply of names and values in turn.
    fileprivate static func texts(in reply: RESPValue) throws -> [String: String] {
        let parts = try reply.asArray().map { try $0.asString() }
        return Dictionary(stride(from: 0, to: parts.count - 1, by: 2).map { (parts[$0], parts[$0 + 1]) }) { $1 }
    }
}

extension SlotRecord {
    /// Reads a line of an entry's stream: its id is the slot.
    fileprivate init(_ entry: String, _ line: RESPValue) throws {
        let parts = try line.asArray()
        let fields = try RedisBroker.texts(in: parts.count == 2 ? parts[1] : .null)
        func instant(_ text: Substring?) -> Timestamp? { text.flatMap { Int64($0) }.map(Timestamp.init(microseconds:)) }
        guard let slot = instant(try parts[0].asString().split(separator: "-").first), let outcome = fields["outcome"].flatMap(Outcome.init) else {
            throw ApiumError(.notAvailable, "a line in the ledger of '\(entry)' is no record")
        }
        self.init(
            entry: entry, slot: slot, first: instant(fields["first"].map { $0[...] }), count: fields["count"].flatMap { Int($0) } ?? 1, outcome: outcome,
            reason: fields["reason"].flatMap(Reason.init), jobID: fields["job"], blocker: fields["blocker"],
            decided: instant(fields["at"].map { $0[...] }) ?? slot)
    }
}

extension ScheduleAuditRecord {
    fileprivate init(_ line: RESPValue) throws {
        let parts = try line.asArray()
        let fields = try RedisBroker.texts(in: parts.count == 2 ? parts[1] : .null)
        self.init(
            at: Timestamp(microseconds: fields["at"].flatMap { Int64($0) } ?? 0),
            editor: ScheduleEditor(fields["editor"] ?? "", action: fields["action"] ?? ""), entry: fields["entry"] ?? "", before: fields["before"],
            after: fields["after"])
    }
}
