import ApiumCore

extension Inspector {
    /// Lists jobs: those that workers hold, then queue by queue, then what is held back, then what waits for its time, then what was set aside.
    ///
    /// Looks at ``depth`` jobs at most, so a page may hold few or none and yet say where to go on.
    ///
    /// - Throws: ``ApiumError`` `unavailable`, or `invalidConfiguration` for a query that cannot be.
    public func jobs(_ query: JobQuery) async throws -> JobPage {
        guard query.limit > 0 else { throw ApiumError(.invalidConfiguration, "the limit is \(query.limit); at least 1 is needed") }
        var listing = Listing(query, budget: depth, now: try await broker.serverTime())
        for place in JobPlace.allCases where query.states.contains(place) && listing.isBefore(place) {
            switch place {
            case .inFlight: try await listFlights(&listing)
            case .ready: try await listReady(&listing)
            case .held: try await listHeld(&listing)
            case .scheduled: try await listScheduled(&listing)
            case .quarantine, .dead, .parked: try await listShelved(place, &listing)
            }
            if listing.next != nil { break }
        }
        return JobPage(rows: listing.rows, next: listing.next, looked: listing.looked, gaps: listing.gaps.sorted())
    }

    private func listFlights(_ listing: inout Listing) async throws {
        let names = Dictionary(try await broker.registeredWorkers().map { ($0.incarnation, $0.name) }) { $1 }
        let from = listing.offset(in: .inFlight)
        // One more than this part of the list looks at, so that none is passed over in silence.
        var all = try await broker.flights(limit: max(flightLimit, from + depth + 1))
        all.sort { ($0.incarnation, $0.queue) < ($1.incarnation, $1.queue) }
        for (offset, record) in all.enumerated().dropFirst(from) {
            guard listing.hasRoom(at: JobCursor(place: .inFlight, offset: offset)) else { return }
            var row = JobRow(record.payload, .inFlight, queue: record.queue)
            row.worker = names[record.incarnation] ?? record.incarnation
            listing.take(row)
        }
    }

    private func listReady(_ listing: inout Listing) async throws {
        var queues = listing.query.queue.map { [$0] } ?? []
        if queues.isEmpty { queues = try await broker.inspectableQueues() }
        for queue in queues where listing.isBefore(queue, in: .ready) {
            var offset = listing.offset(in: .ready, queue: queue)
            while listing.next == nil {
                guard let page = try await ifPermitted({ try await broker.readyMessages(in: queue, ScanWindow(from: offset, count: Self.page)) }) else {
                    listing.gaps.insert(.queue(queue))
                    break
                }
                for record in page.records {
                    guard listing.hasRoom(at: JobCursor(place: .ready, queue: queue, offset: record.position)) else { return }
                    listing.take(JobRow(WaitingMessage(.ready, queue: queue, payload: record.payload)))
                }
                offset += page.looked
                if page.looked < Self.page { break }
            }
            if listing.next != nil { return }
        }
    }

    private func listHeld(_ listing: inout Listing) async throws {
        for row in try await broker.holds() where row.holdsItsOwn && listing.isBefore(row.target.text, in: .held) {
            let target = row.target.text
            for offset in stride(from: listing.offset(in: .held, queue: target), to: row.waiting, by: Self.page) {
                let waiting = try await broker.waitingJobs(on: row.target, from: offset, limit: Self.page)
                for (index, job) in waiting.enumerated() {
                    guard listing.hasRoom(at: JobCursor(place: .held, queue: target, offset: offset + index)) else { return }
                    listing.take(JobRow(HeldJob(row: row, job: job, position: offset + index).message))
                }
            }
        }
    }

    private func listScheduled(_ listing: inout Listing) async throws {
        var offset = listing.offset(in: .scheduled)
        while true {
            let page = try await broker.scheduledMessages(ScanWindow(from: offset, count: Self.page))
            for (index, record) in page.records.enumerated() {
                guard listing.hasRoom(at: JobCursor(place: .scheduled, offset: offset + index)) else { return }
                var row = JobRow(WaitingMessage(.scheduled, queue: record.queue, payload: record.payload, key: record.key))
                row.at = record.due
                listing.take(row)
            }
            offset += page.looked
            if page.looked < Self.page { return }
        }
    }

    private func listShelved(_ place: JobPlace, _ listing: inout Listing) async throws {
        guard let shelf = place.shelf else { return }
        var offset = listing.offset(in: place)
        while true {
            let page = try await broker.shelvedRecords(in: shelf, ScanWindow(from: offset, count: Self.page))
            for (index, record) in page.records.enumerated() {
                guard listing.hasRoom(at: JobCursor(place: place, offset: offset + index)) else { return }
                listing.take(JobRow(record, place))
            }
            offset += page.looked
            if page.looked < Self.page { return }
        }
    }

    /// All jobs that fit, page by page, however many are passed over: for doing something with each of them. It goes on at the query's cursor;
    /// its limit is of no account.
    ///
    /// - Parameter most: more are not collected. Default: 100,000.
    /// - Returns: the jobs; ``JobPage/next`` says where to go on when there were more.
    public func allJobs(_ query: JobQuery, most: Int = 100_000) async throws -> JobPage {
        var query = query
        var all = JobPage(rows: [], next: query.cursor, looked: 0)
        while all.rows.count < most {
            query.limit = min(1000, most - all.rows.count)
            let page = try await jobs(query)
            all.rows += page.rows
            all.looked += page.looked
            all.gaps = Set(all.gaps + page.gaps).sorted()
            all.next = page.next
            guard let next = page.next else { break }
            query.cursor = next
        }
        return all
    }
}

/// A list while it is made.
private struct Listing {
    let query: JobQuery
    private(set) var rows: [JobRow] = []
    private(set) var next: JobCursor?
    private(set) var looked = 0
    var gaps: Set<Gap> = []
    private let budget: Int
    private let now: Timestamp
    private let name: GlobPattern?

    init(_ query: JobQuery, budget: Int, now: Timestamp) {
        self.query = query
        self.budget = budget
        self.now = now
        name = query.name.map(GlobPattern.init)
    }

    /// Whether a place is not behind us already.
    func isBefore(_ place: JobPlace) -> Bool {
        guard let start = query.cursor?.place else { return true }
        let order = JobPlace.allCases
        return (order.firstIndex(of: place) ?? 0) >= (order.firstIndex(of: start) ?? 0)
    }

    /// Whether a queue, or a target, is not behind us already: they are looked at in the order of their names.
    func isBefore(_ queue: String, in place: JobPlace) -> Bool {
        guard let cursor = query.cursor, cursor.place == place else { return true }
        return queue >= cursor.queue
    }

    func offset(in place: JobPlace, queue: String = "") -> Int {
        guard let cursor = query.cursor, cursor.place == place, cursor.queue == queue else { return 0 }
        return cursor.offset
    }

    /// Whether the job at this place may be looked at; else the list ends here, and goes on there.
    mutating func hasRoom(at cursor: JobCursor) -> Bool {
        if rows.count < query.limit && looked < budget { return true }
        next = cursor
        return false
    }

    mutating func take(_ row: JobRow) {
        looked += 1
        if fits(row) { rows.append(row) }
    }

    private func fits(_ row: JobRow) -> Bool {
        if let queue = query.queue, row.queue != queue { return false }
        if let key = query.key, !key.takes(row.key) { return false }
        if let name, !(row.task.map(name.matches) ?? false) { return false }
        guard query.olderThan != nil || query.youngerThan != nil else { return true }
        guard let since = row.place.shelf == nil ? row.sentAt : row.at else { return false }
        let age = now - since
        return age >= query.olderThan ?? .zero && query.youngerThan.map { age <= $0 } ?? true
    }
}
