import CPostgres

/// Connections that are lent to one transaction or session at a time.
extension PoolLoop {
    /// Grants waiting leases, oldest first, and opens connections for the rest up to the bound.
    func grantLeases() {
        var idle = connections.values.filter { $0.role == .leased && $0.phase == .ready && $0.lease == nil }
        while let request = waitingLeases.first, let connection = idle.popLast() {
            _ = waitingLeases.popFirst()
            pendingLeases.remove(request.id)
            connection.lease = request.id
            leases[request.id] = connection
            openLeases.insert(request.id)
            request.continuation.resume()
        }
        let leased = connections.values.filter { $0.role == .leased }
        var opening = leased.count { $0.phase != .ready }
        var total = leased.count
        while opening < waitingLeases.count, total < configuration.leasedConnections, mayDial(.leased) {
            dial(.leased)
            (opening, total) = (opening + 1, total + 1)
        }
    }

    /// Takes a connection back; one that is in a transaction, busy or used for a session is closed instead of kept.
    func release(_ lease: UInt64, closing: Bool) {
        openLeases.remove(lease)
        guard let connection = leases.removeValue(forKey: lease) else { return }
        connection.lease = nil
        let isClean =
            connection.inFlight.isEmpty && connection.backlog.isEmpty
            && connection.handle.map { PQtransactionStatus($0.pointer) == PQTRANS_IDLE } ?? false
        if closing || !isClean { drop(connection, cancelling: !connection.inFlight.isEmpty) }
    }
}
