import ApiumCore

extension Inspector {
    /// What was done about a finding.
    public struct Treatment: Sendable, Hashable {
        /// The finding.
        public var finding: Finding
        /// Whether something was changed; false: it was in order by then, or a person has to decide.
        public var isChanged: Bool
    }

    /// Repairs what can be repaired without losing anything; see ``Finding/repair``. Each fault is looked at again before it is touched.
    ///
    /// What workers do is done as a worker does it: by a session of its own, which serves no queue and closes in the end.
    ///
    /// - Throws: ``ApiumError`` when the broker cannot be reached: what was repaired by then stays so.
    public func repair(_ diagnosis: Diagnosis) async throws -> [Treatment] {
        var treatments: [Treatment] = []
        var needsDuties = diagnosis.findings.contains { $0.repair == .duties }
        for finding in diagnosis.findings {
            if let isChanged = try await repairOthers(finding) { treatments.append(Treatment(finding: finding, isChanged: isChanged)) }
            guard case .fault(let fault)? = finding.repair, let broker = broker as? any AuditableBroker else { continue }
            let isChanged = try await broker.repair(fault)
            treatments.append(Treatment(finding: finding, isChanged: isChanged))
            switch fault {
            // They are noted as lost now, and have to be returned.
            case .unownedFlight, .unregisteredBatch, .messagesWithoutID: needsDuties = needsDuties || isChanged
            default: break
            }
        }
        guard needsDuties else { return treatments }
        let moved = try await doDuties()
        return treatments + diagnosis.findings.filter { $0.repair == .duties }.map { Treatment(finding: $0, isChanged: moved) }
    }

    /// Repairs what no broker's audit found; `nil`: it is none of these.
    private func repairOthers(_ finding: Finding) async throws -> Bool? {
        switch finding.repair {
        case .bindings(let nodes):
            let silent = try await silent(nodes)
            return try await silent.isEmpty ? false : (broker as? any AuditableBroker)?.unbind(silent, from: controlExchange) ?? 0 > 0
        case .results(let ids): return try await results.giveEnd(to: ids) > 0
        case .locks(let rows):
            var isChanged = false
            // A lock may be held by a job of the same id that was sent again.
            for row in try await forgotten(rows, try await census()) where try await broker.unlock(row.key, heldBy: row.id) { isChanged = true }
            return isChanged
        default: return nil
        }
    }

    /// Does the shared duties for as long as it takes to see that a silent worker is lost: moves what is due, returns what lost workers held.
    ///
    /// - Returns: whether anything was moved.
    public func doDuties() async throws -> Bool {
        let lease = try await broker.registeredWorkers().map(\.lease).max() ?? .seconds(1)
        let session = try await broker.openSession(WorkerIdentity(name: "doctor@\(JobID.make().prefix(8))", pid: 0, queues: [], bindings: []))
        var moved = false
        do {
            let end = ContinuousClock.now + lease * 2 + .seconds(3)
            while ContinuousClock.now < end {
                let report = try await session.maintain()
                if report.promoted + report.reaped + report.quarantined + report.restored > 0 { moved = true }
                try await Task.sleep(for: max(report.next, .milliseconds(20)))
            }
            try await session.close()
        } catch {
            try? await session.close()
            throw error
        }
        return moved
    }
}
