import ApiumCore

extension InMemoryBroker: InspectableBroker {
    public func findQueues() async throws -> FoundQueues {
        core.read { state, _ in
            var names = Set(state.queues.filter { $0.value.count > 0 }.keys)
            names.formUnion(state.bindings.map(\.queue))
            for session in state.sessions.values { names.formUnion(session.identity.queues) }
            return FoundQueues(names: names.sorted())
        }
    }

    public func registeredWorkers() async throws -> [RegisteredWorker] {
        core.read { state, now in
            state.sessions.map { incarnation, session in
                let identity = session.identity
                // A session that renews has another value at each look.
                return RegisteredWorker(
                    incarnation: incarnation, name: identity.name, pid: identity.pid, queues: identity.queues, jobs: identity.jobs, lease: identity.lease,
                    started: nil, renewals: session.silentSince?.microseconds ?? now.microseconds)
            }.sorted { ($0.name, $0.incarnation) < ($1.name, $1.incarnation) }
        }
    }

    public func flights(mentioning texts: [String], limit: Int) async throws -> [FlightRecord] {
        core.read { state, _ in
            let all = state.sessions.sorted { $0.key < $1.key }.flatMap { incarnation, session in
                session.flight.sorted { ($0.key.batch, $0.key.index) < ($1.key.batch, $1.key.index) }.map { _, record in
                    FlightRecord(
                        incarnation: incarnation, isRegistered: true, queue: record.queue, activity: record.activity, payload: record.payload)
                }
            }
            return Array(all.filter { texts.finds(in: $0.payload) }.prefix(max(0, limit)))
        }
    }

    public func readyMessages(in queue: String, _ window: ScanWindow) async throws -> ScanPage<ReadyRecord> {
        core.read { state, _ in
            let seen = (state.queues[queue]?.payloads ?? []).enumerated().dropFirst(window.from).prefix(window.count)
            let records = seen.filter { window.mentioning.finds(in: $0.element) }.map { ReadyRecord(queue: queue, position: $0.offset, payload: $0.element) }
            return ScanPage(records: records, looked: seen.count)
        }
    }

    public func scheduledMessages(_ window: ScanWindow) async throws -> ScanPage<ScheduledRecord> {
        core.read { state, _ in
            let seen = state.scheduled.sorted { ($0.due, $0.sequence) < ($1.due, $1.sequence) }.dropFirst(window.from).prefix(window.count)
            let records = seen.filter { window.mentioning.finds(in: $0.payload) }
            return ScanPage(
                records: records.map {
                    ScheduledRecord(due: $0.due, queue: $0.queue, payload: $0.payload, key: Array(String($0.sequence).utf8))
                }, looked: seen.count)
        }
    }

    public func shelvedRecords(in shelf: Shelf, _ window: ScanWindow) async throws -> ScanPage<ShelvedRecord> {
        core.read { state, _ in
            let seen = Array((state.shelves[shelf] ?? []).reversed().dropFirst(window.from).prefix(window.count))
            return ScanPage(records: seen, looked: seen.count)
        }
    }

    public func shelvedCount(in shelf: Shelf) async throws -> Int { core.read { state, _ in state.shelves[shelf]?.count ?? 0 } }

    public func controlState() async throws -> ControlState { core.read { $0.control(at: $1) } }

    public func move(_ message: WaitingMessage, _ move: WaitingMove) async throws -> Bool { core.change { $0.move(message, move, at: $1) } }

    public func revocation(of id: String) async throws -> RevocationRecord? {
        core.read { state, now in
            let orders = state.revoked.filter { now - $0.at < BrokerState.revokeLife && $0.order.ids.contains(id) }
            guard let last = orders.last else { return nil }
            return RevocationRecord(at: last.at, by: orders.lazy.compactMap(\.order.by).first)
        }
    }

    public func hasJanitor() async throws -> Bool {
        core.read { state, now in state.janitor.flatMap { state.sessions[$0] }.map { !$0.hasExpired(at: now) } ?? false }
    }
}

extension InMemoryResults: InspectableResults {
    public func chordProgress(of group: String) async throws -> ChordProgress? {
        core.read { state, now in state.chords[group].flatMap { $0.progress(of: group, at: now) } }
    }

    public func openChords(limit: Int) async throws -> [String] {
        core.read { state, now in
            let open = state.chords.filter { $0.value.progress(of: $0.key, at: now)?.expected != nil }
            return Array(open.keys.sorted().prefix(max(0, limit)))
        }
    }
}

extension BrokerState.InFlight {
    fileprivate var activity: FlightRecord.Activity {
        if !joining.isEmpty { return .joining(joining) }
        return acknowledged ? .acknowledged : .claimed
    }
}

extension ChordState {
    /// How far it is; `nil` when nothing is known of it any more.
    func progress(of group: String, at now: Timestamp) -> ChordProgress? {
        let claim = standing(at: now)
        guard size != nil || !content.isEmpty || claim != nil else { return nil }
        return ChordProgress(
            group: group, expected: size.map { $0 + more }, arrived: content.count, isJoined: claim.map { $0.token == nil } ?? false,
            isClaimed: claim?.token != nil, idle: nil)
    }
}

extension [String] {
    /// Whether one of the texts stands in the bytes; without any text all bytes are wanted.
    fileprivate func finds(in bytes: [UInt8]) -> Bool {
        if isEmpty { return true }
        return contains { text in bytes.firstRange(of: Array<UInt8>(text.utf8)) != nil }
    }
}
