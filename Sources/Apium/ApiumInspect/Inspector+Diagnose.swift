import ApiumCore

extension Inspector {
    /// Looks whether everything is in order: the server, the workers, the jobs, the chords, the keys. Changes nothing.
    ///
    /// A server that cannot be asked about itself, because the broker is none, is not judged.
    ///
    /// - Throws: ``ApiumError`` when it cannot look.
    public func diagnose() async throws -> Diagnosis {
        let census = try await census()
        var findings: [Finding] = []
        var audit = KeyAudit(faults: [], looked: 0, isComplete: true)
        if let broker = broker as? any AuditableBroker {
            findings += Self.judge(try await broker.serverFacts())
            audit = try await broker.audit(limit: Self.keyLimit)
            findings += audit.faults.map(Self.finding)
        }
        findings += try await clockFindings()
        findings += try await workerFindings(census)
        findings += try await doubleFindings(census)
        findings += try await chordFindings(census)
        findings += try await shelfFindings()
        let order = Finding.Severity.allCases
        findings.sort { (order.firstIndex(of: $0.severity) ?? 0, $0.code) < (order.firstIndex(of: $1.severity) ?? 0, $1.code) }
        return Diagnosis(findings: findings, jobs: census.looked, keys: audit.looked, isComplete: audit.isComplete && census.isComplete)
    }

    /// How many keys are looked at.
    private static let keyLimit = 200_000

    // MARK: Clock

    /// A clock that is off by this much makes times that senders work out, ETA and expires, visibly wrong.
    private static let tolerableSkew = Duration.seconds(1)

    private func clockFindings() async throws -> [Finding] {
        let before = Timestamp.now()
        let server = try await broker.serverTime()
        let after = Timestamp.now()
        // The answer was made somewhere in between.
        let skew = server < before ? before - server : server > after ? server - after : .zero
        guard skew > Self.tolerableSkew else { return [] }
        return [
            Finding(
                skew > .minutes(5) ? .error : .warning, "clock-skew", "the clocks of this machine and of the server differ by \(skew.inSeconds) s",
                meaning: "Times that senders work out with their own clock, such as ETA and expires, are wrong by that much. Synchronise the clocks (NTP).")
        ]
    }

    // MARK: Workers

    private func workerFindings(_ census: Census) async throws -> [Finding] {
        var findings: [Finding] = []
        let workers = census.workers
        let renewing = try await renewing(workers)
        for worker in workers where !renewing.contains(worker.incarnation) {
            findings.append(
                Finding(
                    .warning, "worker-silent", "\(worker.name) (process \(worker.pid)) did not renew its lease while it was watched",
                    meaning:
                        "It hangs, is stopped, or was killed. After \(worker.lease.inSeconds) s without a renewal another worker returns its jobs, if one lives.",
                    repair: renewing.isEmpty ? .duties : nil))
        }
        let now = try await broker.serverTime()
        let isOnDuty = try await broker.hasJanitor()
        let overdue = census.scheduled.filter { now - $0.due > .seconds(5) }.count
        if overdue > 0 {
            findings.append(
                Finding(
                    .error, "scheduled-overdue", "\(overdue) jobs are past their time and were not moved to their queues",
                    meaning: isOnDuty
                        ? "A worker is on duty and does not keep up, or a queue's key is no list: see the workers' logs."
                        : "No live worker is there to move them. Start one.",
                    repair: .duties))
        }
        let lost = census.flights.filter { !$0.isRegistered }.count
        if lost > 0 {
            findings.append(
                Finding(
                    .error, "flight-of-lost-worker", "\(lost) jobs are held by workers that are gone",
                    meaning: isOnDuty ? "They are returned within seconds; look again." : "No live worker is there to return them. Start one.",
                    repair: isOnDuty ? nil : .duties))
        }
        for queue in census.unserved.sorted() {
            findings.append(
                Finding(
                    .notice, "queue-not-served", "queue \(queue) holds messages, and no live worker of Apium serves it",
                    meaning: "If no worker of Celery serves it either (they are in no register), its jobs wait without end."))
        }
        return findings
    }

    // MARK: Jobs

    private func doubleFindings(_ census: Census) async throws -> [Finding] {
        var doubled: [String] = []
        for id in census.doubled.sorted().prefix(Self.confirmed) {
            // Jobs move while they are counted: only what is in two places at a second look is there twice.
            let explanation = try await explain(id)
            let places = ([explanation.standing] + explanation.others).filter(\.isPlace)
            if places.count > 1 { doubled.append("\(id) (\(places.map(\.kind).joined(separator: ", ")))") }
        }
        guard !doubled.isEmpty else { return [] }
        return [
            Finding(
                .warning, "job-twice", "\(doubled.count) ids are in several places: \(doubled.prefix(5).joined(separator: "; "))",
                meaning:
                    "Each of them is run, and their results overwrite each other. Right when a sender used an id twice, or an exchange feeds several queues.")
        ]
    }

    /// How many ids are looked at again.
    private static let confirmed = 20

    // MARK: Shelves

    private func shelfFindings() async throws -> [Finding] {
        var findings: [Finding] = []
        let quarantined = try await broker.shelvedCount(in: .quarantine)
        if quarantined > 0 {
            findings.append(
                Finding(
                    .warning, "quarantine", "\(quarantined) jobs took their process down again and again, and were set aside",
                    meaning: "Look at them by `apium quarantine list`; requeue them when their code is repaired, or delete them."))
        }
        for (shelf, what) in [(Shelf.parked, "messages could not be read, or no worker knows their job"), (.dead, "jobs failed for good")] {
            let count = try await broker.shelvedCount(in: shelf)
            if count > 0 {
                findings.append(
                    Finding(
                        .notice, shelf.rawValue, "\(count) \(what)", meaning: "Look at them by `apium \(shelf.rawValue) list`; they are kept for 180 days."))
            }
        }
        return findings
    }
}

extension JobStanding {
    /// Whether a message of the job is there.
    fileprivate var isPlace: Bool {
        switch self {
        case .ready, .held, .scheduled, .inFlight, .shelved: true
        default: false
        }
    }
}
