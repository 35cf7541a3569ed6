import ApiumCore
import DynamicJSON

extension Inspector {
    /// Says where a job is, why it does not run, or what happened to it.
    ///
    /// Looks at what workers hold, the shelves, what waits for its time, the queues and the result, in this order: a job that moves from queue
    /// to worker to result meanwhile is then looked for once more, before it counts as unknown.
    ///
    /// - Parameter id: the job's id, or that of a chord's group.
    /// - Throws: ``ApiumError`` `unavailable` when broker or result backend cannot be reached.
    public func explain(_ id: String) async throws -> Explanation {
        let first = try await look(for: id)
        guard first.standing == .unknown else { return first }
        return try await look(for: id)
    }

    private func look(for id: String) async throws -> Explanation {
        let now = try await broker.serverTime()
        let workers = try await broker.registeredWorkers()
        var search = Search(id)
        try await searchFlights(&search, workers)
        for shelf in [Shelf.quarantine, .dead, .parked] {
            if let record = try await broker.record(id, in: shelf) { search.take(record, on: shelf) }
        }
        try await searchScheduled(&search)
        let holds = try await broker.holds()
        try await searchHeld(&search, holds)
        try await searchQueues(&search)
        // Read after the places: what was stored by the step that brought the job there is stored by now.
        let document = try await results.document(for: id)
        let end = document.map(JobEnd.init)
        search.explainRetry(by: end)
        let control = try await broker.controlState()
        try await follow(&search, id)
        if let end { search.take(.ended(end)) }
        let isRevoked = control.revoked.contains(id) || (search.message.map(control.forbids) ?? false)
        if search.standings.isEmpty {
            search.take(isRevoked ? .revoked : search.unseen.isEmpty ? .unknown : .outOfSight(search.unseen))
        }
        let standings = search.standings.sorted { $0.rank < $1.rank }
        var explanation = Explanation(
            id: id, task: search.message?.task ?? document?.extra["name"]?.stringValue, at: now, standing: standings[0],
            others: Array(standings.dropFirst()), obstacles: [], message: search.message)
        explanation.obstacles =
            Self.pauses(explanation.standing, explanation.task, holds)
            + (try await obstacles(explanation.standing, search.message, control, workers, isRevoked: isRevoked, now))
        explanation.revocation = try await broker.revocation(of: id)
        explanation.standing = try await measured(explanation, workers, &search.gaps)
        explanation.gaps = search.gaps.sorted()
        return explanation
    }

    // MARK: Places

    private func searchFlights(_ search: inout Search, _ workers: [RegisteredWorker]) async throws {
        for record in try await broker.flights(mentioning: search.texts, limit: flightLimit) {
            let worker = workers.first { $0.incarnation == record.incarnation }
            let isOwn = (try? Message(decoding: record.payload).id) == search.id
            let since = isOwn ? try await begin(of: search.id, on: worker, &search.gaps) : nil
            let isRenewing = isOwn ? try await worker.asyncMap(isRenewing) : nil
            // It was renewed just now.
            let until = isRenewing == true ? try await worker.asyncMap { try await broker.serverTime() + $0.lease } : nil
            search.take(record.payload) { message in
                .inFlight(
                    FlightPlace(
                        worker: worker?.name, incarnation: record.incarnation, queue: record.queue, activity: record.activity, since: since,
                        isRenewing: isRenewing, lease: worker?.lease, leaseUntil: until, retries: message.headers.retries))
            }
        }
    }

    private func searchScheduled(_ search: inout Search) async throws {
        var found = search
        let looked = try await scheduledPages(mentioning: search.texts) { records in
            for record in records {
                found.take(record.payload) { message in
                    let retries = message.headers.retries
                    return .scheduled(
                        ScheduledPlace(due: record.due, queue: record.queue, cause: retries > 0 ? .retry(number: retries, after: nil) : .asked))
                }
            }
            return true
        }
        search = found
        search.unseen += try await unseen(of: .scheduled, looked)
    }

    private func searchHeld(_ search: inout Search, _ holds: [HoldRow]) async throws {
        let sight = try await heldJobs(holds)
        for held in sight.jobs {
            search.take(held.job.payload) { _ in .held(Self.place(of: held, holds)) }
        }
        search.unseen += sight.unseen
    }

    /// What of a queue, or of what waits for its time, is behind that which was looked at.
    func unseen(of place: QueueSight.Place, _ looked: Int) async throws -> [QueueSight] {
        guard looked >= depth else { return [] }
        let length: Int
        switch place {
        case .ready(let queue): length = try await broker.queueLength(queue)
        case .scheduled: length = try await broker.scheduledCount()
        case .held: return []
        }
        return length > looked ? [QueueSight(place: place, length: length, looked: looked)] : []
    }

    private static func place(of held: HeldJob, _ holds: [HoldRow]) -> HeldPlace {
        var place = HeldPlace(target: held.row.target, position: held.position, queue: held.job.queue)
        place.limit = held.row.limit
        if place.limit == nil, case .key(let key) = held.row.target { place.limit = holds.first { $0.target == .eachKey(key.name) }?.limit }
        place.pausedSince = held.row.pausedSince
        if place.pausedSince == nil, let rate = place.limit?.rate, let opens = held.row.opensAt {
            place.notBefore = opens + rate.interval * held.position
        }
        return place
    }

    private func searchQueues(_ search: inout Search) async throws {
        for queue in try await broker.inspectableQueues() {
            var found = search
            let looked = try await readyPages(of: queue, mentioning: search.texts, noting: &search.gaps) { records in
                for record in records {
                    found.take(record.payload) { message in
                        .ready(
                            ReadyPlace(
                                queue: queue, position: record.position, priority: message.properties.priority, sentAt: message.sentAt,
                                isRedelivered: message.properties.redelivered, crashes: message.crashes))
                    }
                }
                return true
            }
            found.gaps = search.gaps
            search = found
            search.unseen += try await unseen(of: .ready(queue), looked)
        }
    }

    /// What the job waits for when it has not been sent yet, because other jobs come before it.
    private func follow(_ search: inout Search, _ id: String) async throws {
        var groups: Set<String> = []
        for (relation, message) in search.relations {
            switch relation {
            case .body(let group): groups.insert(group)
            case .follows(let role): search.take(.follows(Predecessor(id: message.id, task: message.task, role: role)))
            }
        }
        // The id may be the group's own.
        if groups.isEmpty, search.standings.isEmpty { groups.insert(id) }
        for group in groups.sorted() {
            if let progress = try await results.chordProgress(of: group) { search.take(.waitsForParts(progress)) }
        }
    }

    // MARK: Workers

    /// Whether a worker renews its lease: looks until it has, for as long as two renewals take.
    func isRenewing(_ worker: RegisteredWorker) async throws -> Bool {
        let end = ContinuousClock.now + worker.lease / 2
        while true {
            let now = try await broker.registeredWorkers().first { $0.incarnation == worker.incarnation }
            if now?.renewals != worker.renewals { return now != nil }
            guard ContinuousClock.now < end else { return false }
            try await Task.sleep(for: .milliseconds(50))
        }
    }

    /// Since when a worker runs the job, as it says itself.
    private func begin(of id: String, on worker: RegisteredWorker?, _ gaps: inout Set<Gap>) async throws -> Timestamp? {
        guard let worker else { return nil }
        let replies = try await ask(ControlRequest("query_task", arguments: ["ids": [.string(id)]], destination: [worker.name]), &gaps)
        return replies.first { $0.node == worker.name }?.value[id]?[1]?["time_start"]?.doubleValue.map { Timestamp(seconds: $0) }
    }

    /// Asks one worker; nobody answers where workers cannot be asked.
    func ask(_ question: ControlRequest, _ gaps: inout Set<Gap>) async throws -> [ControlReply] {
        guard patience > .zero, let transport = broker.controlTransport else { return [] }
        let replies = try await ifPermitted { try await transport.ask(question, exchange: controlExchange, within: patience, limit: 1) }
        if replies == nil { gaps.insert(.workers) }
        return replies ?? []
    }

    // MARK: Obstacles

    /// The pauses that hold a waiting job back.
    private static func pauses(_ standing: JobStanding, _ task: String?, _ holds: [HoldRow]) -> [Obstacle] {
        let targets: [HoldTarget]
        switch standing {
        case .ready(let place): targets = [.queue(place.queue)] + (task.map { [.job($0)] } ?? [])
        case .held(let place): targets = [place.target]
        default: return []
        }
        return holds.compactMap { row in
            guard targets.contains(row.target), let since = row.pausedSince else { return nil }
            return .paused(row.target, since: since)
        }
    }

    private func obstacles(
        _ standing: JobStanding, _ message: Message?, _ control: ControlState, _ workers: [RegisteredWorker], isRevoked: Bool, _ now: Timestamp
    ) async throws -> [Obstacle] {
        var obstacles: [Obstacle] = []
        switch standing {
        case .held:
            if isRevoked { obstacles.append(.revoked) }
            obstacles += expiry(of: message, now)
        case .ready(let place):
            if isRevoked { obstacles.append(.revoked) }
            obstacles += expiry(of: message, now) + unserved(place.queue, message, workers)
        case .scheduled(let place):
            if isRevoked { obstacles.append(.revoked) }
            obstacles += expiry(of: message, now) + unserved(place.queue, message, workers)
            // Promotion is late by some milliseconds at most.
            if now - place.due > .seconds(1), try await !broker.hasJanitor() { obstacles.append(.nobodyOnDuty) }
        case .inFlight(let place):
            if let message, control.stops(message) { obstacles.append(.beingStopped) }
            if place.isRenewing == false { obstacles.append(.workerSilent(place.worker ?? place.incarnation)) }
            if place.worker == nil, try await !broker.hasJanitor() { obstacles.append(.nobodyOnDuty) }
        default: break
        }
        return obstacles
    }

    private func expiry(of message: Message?, _ now: Timestamp) -> [Obstacle] {
        guard let end = message?.headers.expires.flatMap({ Timestamp(iso8601: $0) }), end <= now else { return [] }
        return [.expired(end)]
    }

    private func unserved(_ queue: String, _ message: Message?, _ workers: [RegisteredWorker]) -> [Obstacle] {
        let serving = workers.filter { $0.queues.contains(queue) }
        if serving.isEmpty { return [.queueNotServed(queue)] }
        // One that names no jobs does not say what it knows.
        guard let task = message?.task, serving.allSatisfy({ !$0.jobs.isEmpty && !$0.jobs.contains(task) }) else { return [] }
        return [.nameNotKnown(task: task, queue: queue)]
    }
}

extension JobStanding {
    /// The most telling one is least: where the job is now, then how it ended, then what comes before it.
    fileprivate var rank: Int {
        switch self {
        case .inFlight: 0
        case .ready: 1
        case .held: 2
        case .scheduled: 3
        case .shelved: 4
        case .ended(let end) where end.state.isReady: 5
        case .waitsForParts: 6
        case .follows: 7
        case .ended, .revoked, .outOfSight, .unknown: 8
        }
    }
}

extension JobEnd {
    /// What a stored document says.
    init(_ document: ResultDocument) {
        let failure = document.state.isException ? JobFailure(value: document.result)?.description ?? document.result.text : nil
        self.init(state: document.state, at: document.dateDone, error: failure)
    }
}

extension Optional {
    /// As `map`, for what takes time.
    fileprivate func asyncMap<Value>(_ body: (Wrapped) async throws -> Value) async throws -> Value? {
        guard let value = self else { return nil }
        return try await body(value)
    }
}
