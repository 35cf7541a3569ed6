import CPostgres

/// One connection as the I/O thread sees it; no other thread touches it.
final class PooledConnection {
    enum Role { case shared, leased, listening }
    enum Phase { case dialling, connecting, ready, closed }

    /// A statement that was sent and not yet answered.
    struct InFlight {
        let operation: Operation
        /// On the monotonic clock, for the watch on silent servers.
        let sentAt: Int64
        /// The prepared statement it uses, and whether the preparation travels with it and is void if it fails.
        var statement: StatementKey?
        var isPreparing = false
        var result: ResultStorage?
        var error: PostgresError?
    }

    struct StatementKey: Hashable {
        let text: String
        let types: [UInt32]
    }

    let id: UInt64
    let role: Role
    var phase = Phase.dialling
    var handle: Handle?
    /// The socket that is being watched, -1 for none, and whether for writing too.
    var socket: Int32 = -1
    var isWatchedForWriting = false
    /// When connecting must be done, on the monotonic clock.
    var connectDeadline: Int64
    var inFlight = FIFO<InFlight>()
    /// When something last arrived, on the monotonic clock.
    var heardAt: Int64 = 0
    /// What waits because a script runs, or must run, alone.
    var backlog = FIFO<Operation>()
    var isRunningScript = false
    /// Whether libpq holds bytes that the socket has not taken yet.
    var mustFlush = false
    var mustClose = false
    var prepared: [StatementKey: String] = [:]
    var preparedCount = 0
    var lease: UInt64?
    /// Channels whose `LISTEN` is under way, in the order of sending.
    var listens = FIFO<String>()

    /// Since when the oldest statement has been the server's turn: it was sent, and the answers before it had come.
    var unansweredSince: Int64? { inFlight.first.map { max($0.sentAt, heardAt) } }

    init(id: UInt64, role: Role, connectDeadline: Int64) {
        self.id = id
        self.role = role
        self.connectDeadline = connectDeadline
    }
}

extension PooledConnection {
    /// Hands the operation to libpq; false when the connection is broken.
    func send(_ operation: Operation, now: Int64, cacheLimit: Int) -> Bool {
        guard let pointer = handle?.pointer else { return false }
        var entry = InFlight(operation: operation, sentAt: now)
        let isSent =
            switch operation.kind {
            case .statement(let text, let parameters, let isCacheable):
                send(text, parameters, isCacheable: isCacheable, cacheLimit: cacheLimit, pointer, &entry) && PQpipelineSync(pointer) == 1
            case .script(let text): sendScript(text, pointer)
            }
        inFlight.append(entry)
        mustFlush = true
        return isSent
    }

    private func send(
        _ text: String, _ parameters: ParameterBuffer, isCacheable: Bool, cacheLimit: Int, _ pointer: OpaquePointer, _ entry: inout InFlight
    ) -> Bool {
        let count = Int32(parameters.offsets.count)
        let key = StatementKey(text: text, types: parameters.types)
        guard isCacheable, prepared[key] != nil || prepared.count < cacheLimit else {
            return parameters.withPointers { PQsendQueryParams(pointer, text, count, parameters.types, $0, nil, nil, 0) } == 1
        }
        entry.statement = key
        if prepared[key] == nil {
            preparedCount += 1
            let name = "s\(preparedCount)"
            prepared[key] = name
            entry.isPreparing = true
            guard PQsendPrepare(pointer, name, text, count, parameters.types) == 1 else { return false }
        }
        return parameters.withPointers { PQsendQueryPrepared(pointer, prepared[key], count, $0, nil, nil, 0) } == 1
    }

    /// Several statements need the simple protocol, which pipeline mode has not: it is left for the time of the script.
    private func sendScript(_ text: String, _ pointer: OpaquePointer) -> Bool {
        isRunningScript = true
        return PQexitPipelineMode(pointer) == 1 && PQsendQuery(pointer, text) == 1
    }
}

extension PooledConnection {
    /// Takes what has arrived from libpq and returns the statements that are answered in full; false in `isAlive` when the
    /// connection is broken.
    ///
    /// `PQgetResult` blocks unless a statement is outstanding and `PQisBusy` says 0. In pipeline mode each statement gives its
    /// results (one more for its preparation), each followed by nil, then the sync; a script gives results, then nil.
    func collect() -> (finished: [InFlight], isAlive: Bool) {
        guard let pointer = handle?.pointer else { return ([], false) }
        guard PQconsumeInput(pointer) == 1 else { return ([], false) }
        mustFlush = true
        var finished: [InFlight] = []
        var consecutiveNils = 0
        while !inFlight.isEmpty, !mustClose, PQisBusy(pointer) == 0, PQstatus(pointer) == CONNECTION_OK {
            guard let result = PQgetResult(pointer) else {
                if isRunningScript {
                    isRunningScript = false
                    guard PQenterPipelineMode(pointer) == 1 else { return (finished, false) }
                    if let entry = inFlight.popFirst() { finished.append(entry) }
                }
                consecutiveNils += 1
                if consecutiveNils > 8 { return (finished, false) }  // libpq and we disagree about what is outstanding
                continue
            }
            consecutiveNils = 0
            if take(result), let entry = inFlight.popFirst() { finished.append(entry) }
        }
        return (finished, !mustClose && PQstatus(pointer) == CONNECTION_OK)
    }

    /// Adds one result to the oldest statement; true when it was the sync that ends it.
    private func take(_ result: OpaquePointer) -> Bool {
        switch PQresultStatus(result) {
        case PGRES_PIPELINE_SYNC:
            PQclear(result)
            return true
        case PGRES_PIPELINE_ABORTED:
            PQclear(result)
        case PGRES_COMMAND_OK, PGRES_TUPLES_OK, PGRES_EMPTY_QUERY:
            let storage = ResultStorage(taking: result)
            inFlight.updateFirst { $0.result = storage }
        case PGRES_FATAL_ERROR, PGRES_BAD_RESPONSE, PGRES_NONFATAL_ERROR:
            let error = PostgresError(failed: result)
            PQclear(result)
            inFlight.updateFirst { $0.error = $0.error ?? error }
        default:
            PQclear(result)
            mustClose = true  // COPY would hold the connection for ever
            inFlight.updateFirst { $0.error = $0.error ?? PostgresError(.server, "COPY is not supported by this client") }
        }
        return false
    }

    /// The notifications that arrived.
    func notifications() -> [PostgresNotification] {
        guard let pointer = handle?.pointer else { return [] }
        var result: [PostgresNotification] = []
        while let notification = PQnotifies(pointer) {
            result.append(
                .received(channel: String(cString: notification.pointee.relname), payload: String(cString: notification.pointee.extra)))
            PQfreemem(notification)
        }
        return result
    }
}
