import CPostgres

/// The way of a statement: accepted, sent, finished or given up.
extension PoolLoop {
    func accept(_ operation: Operation) {
        pending[operation.id] = operation
        guard let lease = operation.lease else { return waiting.append(operation) }
        guard let connection = leases[lease] else {
            let error = PostgresError(.connectionLost, "the connection of this transaction broke: \(lastFailure)")
            return settle(operation, .failure(error))
        }
        connection.backlog.append(operation)
        advance(connection)
    }

    /// Resumes the task, unless it has gone already.
    func settle(_ operation: Operation, _ result: Result<PostgresRows, PostgresError>) {
        guard pending.removeValue(forKey: operation.id) != nil else { return }
        operation.continuation?.resume(with: result.mapError { $0 as any Error })
    }

    /// Moves waiting statements to the shared connection that has the fewest under way.
    func dispatch() {
        while let operation = waiting.first {
            guard pending[operation.id] != nil else {
                _ = waiting.popFirst()
                continue
            }
            let ready = connections.values.filter {
                $0.role == .shared && $0.phase == .ready && $0.inFlight.count < configuration.pipelineDepth
            }
            guard let connection = ready.min(by: { $0.inFlight.count < $1.inFlight.count }) else { return }
            _ = waiting.popFirst()
            send(operation, on: connection)
        }
    }

    /// Sends what the connection of a lease has in its backlog; a script runs alone.
    func advance(_ connection: PooledConnection) {
        while let operation = connection.backlog.first, connection.phase == .ready, !connection.isRunningScript {
            if case .script = operation.kind, !connection.inFlight.isEmpty { return }
            _ = connection.backlog.popFirst()
            if pending[operation.id] != nil { send(operation, on: connection) }
        }
    }

    private func send(_ operation: Operation, on connection: PooledConnection) {
        guard !connection.send(operation, now: now, cacheLimit: configuration.preparedStatements) else { return }
        lose(connection, connection.handle?.complaint ?? "the connection is closed")
    }

    func finish(_ entry: PooledConnection.InFlight, on connection: PooledConnection) {
        backoff[connection.role]?.succeeded()
        if connection.role == .listening { return confirmListening(entry, on: connection) }
        guard let error = entry.error else {
            guard let result = entry.result else {
                return settle(entry.operation, .failure(PostgresError(.server, "the server answered with no result")))
            }
            return settle(entry.operation, .success(PostgresRows(storage: result)))
        }
        let isOutdated = error.sqlState == "26000" || error.sqlState == "0A000"
        if let statement = entry.statement, entry.isPreparing || isOutdated { connection.prepared[statement] = nil }
        // The server refused before it ran anything: its prepared statement is gone, or a table's columns changed since.
        if isOutdated, entry.statement != nil, !entry.isPreparing, !entry.operation.isSecondAttempt, connection.role == .shared,
            pending[entry.operation.id] != nil
        {
            var operation = entry.operation
            operation.isSecondAttempt = true
            return waiting.append(operation)
        }
        settle(entry.operation, .failure(error))
    }

    /// The task of a statement or lease was cancelled. What runs on a shared connection runs on, unheard; a lease's connection
    /// is cancelled at the server and closed, because its transaction is lost anyway.
    func cancel(_ id: UInt64) {
        if pendingLeases.remove(id) != nil {
            let request = waitingLeases.all.first { $0.id == id }
            waitingLeases.removeAll { $0.id == id }
            request?.continuation.resume(throwing: CancellationError())
        }
        guard let operation = pending.removeValue(forKey: id) else { return }
        operation.continuation?.resume(throwing: CancellationError())
        guard let lease = operation.lease, let connection = leases[lease], connection.inFlight.all.contains(where: { $0.operation.id == id }) else { return }
        drop(connection, cancelling: true)
        let error = PostgresError(.connectionLost, "another statement of this transaction was cancelled")
        for entry in connection.inFlight.all { settle(entry.operation, .failure(error)) }
        for operation in connection.backlog.all { settle(operation, .failure(error)) }
    }
}
