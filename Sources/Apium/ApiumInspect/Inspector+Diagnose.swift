import ApiumCore

extension Inspector {
    /// Looks whether everything is in order: the server, the workers, the jobs, the chords, the keys. Changes nothing.
    ///
    /// A server that cannot be asked about itself, because the broker is none, is not judged.
    ///
    /// - Throws: ``ApiumError`` when it cannot look.
    public func diagnose() async throws -> Diagnosis {
        // Before the jobs are counted: whoever has a lock now is among them, or ends while they are counted.
        let locks = try await broker.uniqueLocks(limit: Self.lockLimit)
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
        findings += try await lockFindings(locks, census)
        findings += try await resultFindings()
        findings += try await bindingFindings()
        findings += Self.findings(census.gaps)
        findings += try await shelfFindings()
        let order = Finding.Severity.allCases
        findings.sort { (order.firstIndex(of: $0.severity) ?? 0, $0.code) < (order.firstIndex(of: $1.severity) ?? 0, $1.code) }
        return Diagnosis(findings: findings, jobs: census.looked, keys: audit.looked, isComplete: audit.isComplete && census.isComplete)
    }

    /// How many keys are looked at.
    private static let keyLimit = 200_000
    /// How many locks are looked at.
    static let lockLimit = 10_000

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
                skew > .minutes(5) ? .error : .warning, "clock-skew",
                Wording(
                    "the clocks of this machine and of the server differ by \(skew.inSeconds) s", "часы этой машины и сервера расходятся на \(skew.inSeconds) с"
                ),
                meaning: Wording(
                    "Times that senders work out with their own clock, such as ETA and expires, are wrong by that much. Synchronise the clocks (NTP).",
                    "Настолько же неверны времена, которые отправители считают по своим часам: ETA и expires. Настройте NTP."))
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
                    .warning, "worker-silent",
                    Wording(
                        "\(worker.name) (process \(worker.pid)) did not renew its lease while it was watched",
                        "\(worker.name) (процесс \(worker.pid)) не продлил аренду, пока на него смотрели"),
                    meaning: Wording(
                        "It hangs, is stopped, or was killed. After \(worker.lease.inSeconds) s without a renewal another worker returns its jobs, if one lives.",
                        "Он завис, остановлен или убит. Через \(worker.lease.inSeconds) с без продления его задачи вернёт другой исполнитель, если он есть."),
                    repair: renewing.isEmpty ? .duties : nil))
        }
        let now = try await broker.serverTime()
        let isOnDuty = try await broker.hasJanitor()
        let overdue = census.scheduled.filter { now - $0.due > .seconds(5) }.count
        if overdue > 0 {
            findings.append(
                Finding(
                    .error, "scheduled-overdue",
                    Wording(
                        "\(overdue) jobs are past their time and were not moved to their queues",
                        "задач, чьё время прошло, но не переданных в очереди: \(overdue)"),
                    meaning: isOnDuty
                        ? Wording(
                            "A worker is on duty and does not keep up, or a queue's key is no list: see the workers' logs.",
                            "Дежурный исполнитель не успевает, или ключ очереди не список: смотрите журналы исполнителей.")
                        : Wording("No live worker is there to move them. Start one.", "Их некому передать. Запустите исполнителя."),
                    repair: .duties))
        }
        let lost = census.flights.filter { !$0.isRegistered }.count
        if lost > 0 {
            findings.append(
                Finding(
                    .error, "flight-of-lost-worker",
                    Wording("\(lost) jobs are held by workers that are gone", "задач у исполнителей, которых больше нет: \(lost)"),
                    meaning: isOnDuty
                        ? Wording("They are returned within seconds; look again.", "Их вернут через несколько секунд; посмотрите снова.")
                        : Wording("No live worker is there to return them. Start one.", "Их некому вернуть. Запустите исполнителя."),
                    repair: isOnDuty ? nil : .duties))
        }
        for queue in census.unserved.sorted() {
            findings.append(
                Finding(
                    .notice, "queue-not-served",
                    Wording(
                        "queue \(queue) holds messages, and no live worker of Apium serves it",
                        "в очереди \(queue) есть сообщения, и её не обслуживает ни один живой исполнитель Apium"),
                    meaning: Wording(
                        "If no worker of Celery serves it either (they are in no register), its jobs wait without end.",
                        "Если её не обслуживает и Celery (его исполнители здесь не видны), задачи ждут без конца.")))
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
                .warning, "job-twice",
                Wording(
                    "\(doubled.count) ids are in several places: \(doubled.prefix(5).joined(separator: "; "))",
                    "номеров, стоящих в нескольких местах: \(doubled.count): \(doubled.prefix(5).joined(separator: "; "))"),
                meaning: Wording(
                    "Each of them is run, and their results overwrite each other. Right when a sender used an id twice, or an exchange feeds several queues.",
                    "Каждая выполнится, и результаты заменят друг друга. Так и должно быть, если отправитель взял номер дважды или точка обмена ведёт в несколько очередей."
                ))
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
                    .warning, "quarantine",
                    Wording(
                        "\(quarantined) jobs took their process down again and again, and were set aside",
                        "задач, которые раз за разом роняли процесс и отложены: \(quarantined)"),
                    meaning: Wording(
                        "Look at them by `apium quarantine list`; requeue them when their code is repaired, or delete them.",
                        "Посмотрите: `apium quarantine list`; верните их, когда код исправлен, или удалите.")))
        }
        for (shelf, what) in [
            (
                Shelf.parked,
                Wording("messages could not be read, or no worker knows their job", "сообщений, которые не читаются или чьей задачи никто не знает")
            ),
            (.dead, Wording("jobs failed for good", "задач, не удавшихся окончательно")),
        ] {
            let count = try await broker.shelvedCount(in: shelf)
            if count > 0 {
                findings.append(
                    Finding(
                        .notice, shelf.rawValue, Wording("\(what.english): \(count)", "\(what.russian): \(count)"),
                        meaning: Wording(
                            "Look at them by `apium \(shelf.rawValue) list`; they are kept for 180 days.",
                            "Посмотрите: `apium \(shelf.rawValue) list`; они хранятся 180 дней.")))
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
