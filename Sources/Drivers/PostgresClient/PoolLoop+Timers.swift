/// Deadlines: of waiting, of connecting, of a silent server, and of shutdown.
extension PoolLoop {
    /// Milliseconds until the next deadline, rounded up; -1 when there is none.
    func millisecondsToNextTimer() -> Int32 {
        var next = Int64.max
        if let operation = waiting.first { next = min(next, operation.deadline) }
        if let request = waitingLeases.first { next = min(next, request.deadline) }
        if let shutdownDeadline { next = min(next, shutdownDeadline) }
        for connection in connections.values {
            if connection.phase != .ready { next = min(next, connection.connectDeadline) }
            if let since = connection.unansweredSince { next = min(next, since + silenceLimit) }
        }
        for (role, backoff) in backoff where isWanted(role) && backoff.notBefore > now { next = min(next, backoff.notBefore) }
        guard next != .max else { return -1 }
        return Int32(clamping: max(0, next - now + 999_999) / 1_000_000)
    }

    /// How long a connection with statements under way may stay silent: the server would have cancelled the oldest by then.
    private var silenceLimit: Int64 { configuration.statementTimeout.nanoseconds + configuration.silenceGrace.nanoseconds }

    /// Whether a connection of the role would be opened if its pause were over.
    private func isWanted(_ role: PooledConnection.Role) -> Bool {
        switch role {
        case .shared: connections.values.count { $0.role == .shared } < configuration.sharedConnections
        case .leased: !waitingLeases.isEmpty
        case .listening: !subscriptions.isEmpty
        }
    }

    /// Ends whatever is past its deadline.
    func expire() {
        for connection in connections.values {
            if connection.phase != .ready, now >= connection.connectDeadline {
                lose(connection, "no connection within \(configuration.connectTimeout)")
            } else if let since = connection.unansweredSince, now >= since + silenceLimit {
                lose(connection, "the server has been silent for \((now - since) / 1_000_000_000) s")
            }
        }
        while let operation = waiting.first, now >= operation.deadline || pending[operation.id] == nil {
            _ = waiting.popFirst()
            settle(operation, .failure(timeout("query")))
        }
        while let request = waitingLeases.first, now >= request.deadline {
            _ = waitingLeases.popFirst()
            if pendingLeases.remove(request.id) != nil { request.continuation.resume(throwing: timeout("transaction")) }
        }
    }

    private func timeout(_ what: String) -> PostgresError {
        let isConnected = connections.values.contains { $0.phase == .ready }
        let cause = isConnected ? "all connections were busy" : "the last attempt to connect: \(lastFailure)"
        return PostgresError(.acquireTimeout, "no connection became free for the \(what) within \(configuration.acquireTimeout); \(cause)")
    }
}
