import ApiumCore

/// All jobs that wait or run, as far as the bounds allow.
struct Census {
    var workers: [RegisteredWorker] = []
    var flights: [FlightRecord] = []
    var scheduled: [ScheduledRecord] = []
    /// What limits and pauses hold back.
    var held: [WaitingJob] = []
    /// Queues that hold messages and are served by no live worker of ours.
    var unserved: Set<String> = []
    /// The ids that were seen more than once.
    private(set) var doubled: Set<String> = []
    /// The groups that jobs belong to.
    private(set) var groups: Set<String> = []
    private(set) var looked = 0
    /// What could not be looked at.
    var gaps: Set<Gap> = []
    /// Whether all was looked at: else a job that was not seen may be behind.
    var isComplete = true
    /// All ids that were seen.
    private(set) var seen: Set<String> = []

    mutating func count(_ payload: [UInt8]) {
        looked += 1
        guard let message = try? Message(decoding: payload) else { return }
        if !seen.insert(message.id).inserted { doubled.insert(message.id) }
        if let group = message.headers.group { groups.insert(group) }
    }

    mutating func count(record id: String) {
        looked += 1
        if !seen.insert(id).inserted { doubled.insert(id) }
    }
}

extension Inspector {
    /// Counts everything once.
    func census() async throws -> Census {
        var census = Census()
        census.workers = try await broker.registeredWorkers()
        census.flights = try await broker.flights(limit: flightLimit)
        for record in census.flights { census.count(record.payload) }
        if census.flights.count >= flightLimit { census.isComplete = false }
        let held = try await heldJobs(try await broker.holds())
        census.held = held.jobs.map(\.job)
        if !held.unseen.isEmpty { census.isComplete = false }
        for job in census.held { census.count(job.payload) }
        var waiting = census
        let looked = try await scheduledPages { records in
            waiting.scheduled += records
            for record in records { waiting.count(record.payload) }
            return true
        }
        census = waiting
        if looked >= depth { census.isComplete = false }
        let queues = try await broker.findQueues()
        if !queues.isComplete { census.isComplete = false }
        for queue in queues.names {
            var ready = census
            let looked = try await readyPages(of: queue, noting: &census.gaps) { records in
                for record in records { ready.count(record.payload) }
                return true
            }
            ready.gaps = census.gaps
            census = ready
            if looked >= depth { census.isComplete = false }
            if looked > 0, !census.workers.contains(where: { $0.queues.contains(queue) }) { census.unserved.insert(queue) }
        }
        for shelf in Shelf.allCases {
            let page = try await broker.shelvedRecords(in: shelf, ScanWindow(count: 1000))
            for record in page.records { census.count(record: record.id) }
            if page.looked == 1000 { census.isComplete = false }
        }
        if !census.gaps.isEmpty { census.isComplete = false }
        return census
    }

    // MARK: Chords

    /// How long a chord must have been still before it counts as stuck: what moves is left alone.
    private static let stillness = Duration.seconds(60)
    /// How many chords are looked at.
    private static let chordLimit = 1000

    func chordFindings(_ census: Census) async throws -> [Finding] {
        var unjoined: [String] = []
        var starved: [String] = []
        for group in try await results.openChords(limit: Self.chordLimit) {
            guard let chord = try await results.chordProgress(of: group), !chord.isJoined, !chord.isClaimed else { continue }
            guard chord.idle.map({ $0 >= Self.stillness }) ?? true, !census.groups.contains(group) else { continue }
            // A part may be a later step of a chain: its group then stands in the body of the job before it.
            guard try await !isMentioned(group, census.held) else { continue }
            let words = "\(group) (\(chord.arrived) of \(chord.expected ?? 0))"
            if chord.isComplete { unjoined.append(words) } else { starved.append(words) }
        }
        return Self.chordFindings(unjoined: unjoined, starved: starved, isComplete: census.isComplete)
    }

    private static func chordFindings(unjoined: [String], starved: [String], isComplete: Bool) -> [Finding] {
        var findings: [Finding] = []
        if !unjoined.isEmpty {
            findings.append(
                Finding(
                    .error, "chord-not-joined",
                    Wording(
                        "\(unjoined.count) chords have all their parts, and nobody sends the body: \(list(unjoined))",
                        "хорд, у которых есть все части, но тело никто не отправляет: \(unjoined.count): \(list(unjoined))"),
                    meaning: Wording(
                        "The job that had to join is gone: it was purged or deleted, or its worker of Celery died. Run the body by hand, or the canvas anew.",
                        "Задача, собиравшая хорду, пропала: её удалили, или погиб её исполнитель Celery. Запустите тело вручную или всё заново.")))
        }
        // A look that did not see all jobs cannot say that one is missing.
        if !starved.isEmpty && isComplete {
            findings.append(
                Finding(
                    .warning, "chord-starved",
                    Wording(
                        "\(starved.count) chords wait for parts of which no job is left: \(list(starved))",
                        "хорд, ждущих частей, задач которых нет: \(starved.count): \(list(starved))"),
                    meaning: Wording(
                        "Parts were purged, deleted or set aside, or Celery's workers hold them. Unless they come, the body never runs.",
                        "Части удалили или отложили, либо они у исполнителей Celery. Если они не придут, тело не выполнится.")))
        }
        return findings
    }

    private static func list(_ words: [String]) -> String {
        words.prefix(5).joined(separator: ", ") + (words.count > 5 ? " and \(words.count - 5) more" : "")
    }

    private func isMentioned(_ text: String, _ held: [WaitingJob]) async throws -> Bool {
        let texts = Mention(id: text).texts
        if held.contains(where: { job in texts.contains { job.payload.firstRange(of: Array<UInt8>($0.utf8)) != nil } }) { return true }
        if try await !broker.flights(mentioning: texts, limit: 1).isEmpty { return true }
        var found = false
        _ = try await scheduledPages(mentioning: texts) { records in
            found = found || !records.isEmpty
            return !found
        }
        if found { return true }
        for queue in try await broker.inspectableQueues() {
            var gaps: Set<Gap> = []
            _ = try await readyPages(of: queue, mentioning: texts, noting: &gaps) { records in
                found = found || !records.isEmpty
                return !found
            }
            if found { return true }
        }
        return false
    }
}
