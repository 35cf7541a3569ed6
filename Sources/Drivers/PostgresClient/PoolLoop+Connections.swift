import CPostgres

/// Opening, serving and losing connections.
extension PoolLoop {
    /// Keeps the configured number of shared connections open or on their way.
    func dialShared() {
        guard shutdownDeadline == nil || !waiting.isEmpty else { return }
        var count = connections.values.count { $0.role == .shared }
        while count < configuration.sharedConnections, mayDial(.shared) {
            dial(.shared)
            count += 1
        }
    }

    func mayDial(_ role: PooledConnection.Role) -> Bool { now >= (backoff[role]?.notBefore ?? 0) }

    /// Starts a connection on a thread of its own, since resolving the host's name blocks.
    func dial(_ role: PooledConnection.Role) {
        lastConnection += 1
        let id = lastConnection
        connections[id] = PooledConnection(id: id, role: role, connectDeadline: now + configuration.connectTimeout.nanoseconds)
        let parameters = configuration.connectionParameters
        let door = door
        let isStarted = NamedThread.start("pg-dial") {
            guard let handle = Handle.dial(parameters) else { return }  // out of memory; the deadline reports it
            if !door.leave(.dialled(connection: id, handle)) { handle.close(cancelling: false) }
        }
        if !isStarted { fail(role, "no thread to connect with") }
        if !isStarted { connections[id] = nil }
    }

    /// Takes over a dialled handle; its connection may have been given up meanwhile.
    func begin(_ id: UInt64, _ handle: Handle) {
        guard let connection = connections[id] else { return handle.close(cancelling: false) }
        connection.handle = handle
        connection.phase = .connecting
        guard PQstatus(handle.pointer) != CONNECTION_BAD else { return lose(connection, handle.complaint) }
        // "PQconnectPoll has not been called yet": behave as if it last returned PGRES_POLLING_WRITING (libpq's manual).
        watch(connection, writing: true)
    }

    /// Does what a ready socket asks for.
    func serve(_ connection: PooledConnection) {
        switch connection.phase {
        case .connecting: pollConnecting(connection)
        case .ready: receive(connection)
        case .dialling, .closed: break
        }
    }

    private func pollConnecting(_ connection: PooledConnection) {
        guard let handle = connection.handle else { return }
        switch PQconnectPoll(handle.pointer) {
        case PGRES_POLLING_READING: watch(connection, writing: false)
        case PGRES_POLLING_WRITING: watch(connection, writing: true)
        case PGRES_POLLING_OK: becomeReady(connection, handle)
        default: lose(connection, handle.complaint)
        }
    }

    private func becomeReady(_ connection: PooledConnection, _ handle: Handle) {
        guard PQsetnonblocking(handle.pointer, 1) == 0, PQenterPipelineMode(handle.pointer) == 1 else { return lose(connection, handle.complaint) }
        connection.phase = .ready
        watch(connection, writing: false)
        logger.debug("Postgres connection is ready", metadata: ["connection": "\(connection.id)"])
        if connection.role == .listening {
            for channel in subscriptions.keys { listen(channel, on: connection) }
        }
    }

    func watch(_ connection: PooledConnection, writing: Bool) {
        guard let handle = connection.handle else { return }
        let socket = PQsocket(handle.pointer)
        guard socket >= 0 else { return lose(connection, handle.complaint) }
        connection.socket = socket
        connection.isWatchedForWriting = writing
        poller.watch(socket, token: connection.id, writing: writing)
    }

    private func receive(_ connection: PooledConnection) {
        connection.heardAt = now
        let (finished, isAlive) = connection.collect()
        for entry in finished { finish(entry, on: connection) }
        if connection.role == .listening { deliver(connection.notifications()) }
        if isAlive { advance(connection) } else { lose(connection, connection.handle?.complaint ?? "the connection broke") }
    }

    /// Writes what libpq holds; the socket is watched for writing only while it holds something.
    func flushAll() {
        for connection in connections.values where connection.mustFlush && connection.phase == .ready {
            connection.mustFlush = false
            guard let handle = connection.handle else { continue }
            switch PQflush(handle.pointer) {
            case 0: if connection.isWatchedForWriting { watch(connection, writing: false) }
            case 1: if !connection.isWatchedForWriting { watch(connection, writing: true) }
            default: lose(connection, handle.complaint)
            }
        }
    }

    /// Gives the connection up and fails what was under way on it: nobody can know whether that took effect.
    func lose(_ connection: PooledConnection, _ reason: String) {
        guard connection.phase != .closed else { return }
        let wasReady = connection.phase == .ready
        drop(connection, cancelling: false)
        fail(connection.role, reason)
        logger.info("a Postgres connection was lost", metadata: ["reason": "\(reason)", "wasReady": "\(wasReady)"])
        let error = PostgresError(.connectionLost, "the connection broke under the query, which may have taken effect or not: \(reason)")
        for entry in connection.inFlight.all {
            var failure = error
            failure.sqlState = entry.error?.sqlState
            settle(entry.operation, .failure(failure))
        }
        for operation in connection.backlog.all { settle(operation, .failure(error)) }
    }

    private func fail(_ role: PooledConnection.Role, _ reason: String) {
        lastFailure = reason
        backoff[role, default: Backoff()].failed(
            now: now, base: configuration.reconnectBackoff, maximum: configuration.maximumReconnectBackoff)
    }

    /// Closes the connection and forgets it.
    func drop(_ connection: PooledConnection, cancelling: Bool) {
        connection.phase = .closed
        connections[connection.id] = nil
        if connection.role == .listening { activeChannels = [] }
        if let lease = connection.lease { leases[lease] = nil }
        if connection.socket >= 0 { poller.forget(connection.socket) }
        connection.handle?.close(cancelling: cancelling)
        connection.handle = nil
    }
}
