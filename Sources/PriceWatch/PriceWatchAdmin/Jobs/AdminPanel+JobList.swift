import ApiumCore
import ApiumInspect
import Hummingbird
import PriceWatchModel

/// What the list of jobs asks for.
struct JobListFilter: Sendable {
    /// `""`: all that waits or runs; `set-aside`: all shelves; else one place.
    var state = ""
    var queue = ""
    var name = ""
    var older = ""
    var cursor = ""

    static let pageSize = 50
    static let states = ["", "in-flight", "ready", "held", "scheduled", "dead", "parked", "quarantine"]
    static let ages: [(key: String, age: Duration)] = [("1m", .minutes(1)), ("10m", .minutes(10)), ("1h", .hours(1)), ("1d", .days(1))]

    init(_ query: [String: String]) {
        state = query["state"].flatMap { Self.states.contains($0) ? $0 : nil } ?? ""
        queue = query["queue"] ?? ""
        name = (query["name"] ?? "").trimmingBlanks
        older = query["older"].flatMap { key in Self.ages.contains { $0.key == key } ? key : nil } ?? ""
        cursor = query["after"] ?? ""
    }

    /// As the query of an address, without the place to go on from.
    var query: String { "state=\(state)&queue=\(FormText.encode(queue))&name=\(FormText.encode(name))&older=\(older)" }

    /// A part of a name finds it, too.
    var pattern: String? { name.isEmpty ? nil : name.contains(where: { "*?".contains($0) }) ? name : "*\(name)*" }

    var shelf: Shelf? { Shelf(rawValue: state) }

    /// - Throws: ``PageFault`` for a place to go on from that is none.
    func jobQuery() throws -> JobQuery {
        var query = JobQuery()
        if let place = JobPlace(rawValue: state) { query.states = [place] }
        query.name = pattern
        query.queue = queue.isEmpty ? nil : queue
        query.olderThan = Self.ages.first { $0.key == older }?.age
        query.limit = Self.pageSize
        if !cursor.isEmpty {
            guard let cursor = try? JobCursor(text: cursor) else { throw PageFault.badRequest }
            query.cursor = cursor
        }
        return query
    }

    /// The records of a shelf that are meant.
    func shelfFilter(at now: Timestamp) -> ShelfFilter {
        let age = Self.ages.first { $0.key == older }?.age
        return ShelfFilter(task: pattern, queue: queue.isEmpty ? nil : queue, before: age.map { now + (.zero - $0) })
    }
}

extension AdminPanel {
    /// `GET /admin/jobs/list`
    func jobList(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let filter = JobListFilter(page.query)
        let words = LiveWords(language: page.language)
        let text = { (key: String) in Texts.text(key, page.language) }
        let found = try await live.inspector.jobs(try filter.jobQuery())
        let now = try await services.apium.broker.serverTime()
        let queues = Set(try await live.snapshot().queues.map(\.queue) + [filter.queue]).subtracting([""]).sorted()
        let ages = [("", text("anyAge"))] + JobListFilter.ages.map { ($0.key, words.duration($0.age)) }
        let values: [String: Any?] = [
            "states": JobListFilter.states.map {
                ["value": $0, "label": text($0.isEmpty ? "place_all" : "place_\($0)"), "selected": $0 == filter.state] as [String: Any]
            },
            "queues": Self.choices(queues, filter.queue), "name": filter.name,
            "ages": ages.map { ["value": $0.0, "label": $0.1, "selected": $0.0 == filter.older] as [String: Any] },
            "rows": found.rows.map { Self.row($0, words, at: now) }, "isEmpty": found.rows.isEmpty,
            "gaps": found.gaps.lines(in: words.inspecting),
            "shown": words.count(found.rows.count) + " " + text("jobsShown") + " · " + words.count(found.looked) + " " + text("jobsLooked"),
            "bulk": filter.shelf.flatMap { shelf in
                signedIn.canEdit && !found.rows.isEmpty ? ["shelf": shelf.rawValue, "query": filter.query] as [String: Any] : nil
            },
            "next": found.next.map { "/admin/jobs/list?\(filter.query)&after=\(FormText.encode($0.text))" }, "notice": notice(page),
        ]
        return renderer.page("jobs_list", values, title: text("jobs"), for: page, signedIn: signedIn)
    }

    private static func row(_ job: JobRow, _ words: LiveWords, at now: Timestamp) -> [String: Any] {
        let time = job.at ?? job.sentAt
        var row: [String: Any] = [
            "id": job.id, "href": jobLink(job.id), "task": job.task ?? Texts.text("unreadable", words.language),
            "state": Texts.text("place_\(job.place.rawValue)", words.language), "tone": tone(of: job.place), "queue": job.queue,
            "at": time.map { words.distance($0, at: now) } ?? LiveWords.unknown, "arguments": (job.arguments ?? "").shortened(120),
            "about": (job.worker ?? job.reason ?? "").shortened(160),
        ]
        if job.retries > 0 { row["retries"] = String(job.retries) }
        return row
    }

    static func tone(of place: JobPlace) -> String {
        switch place {
        case .inFlight: "good"
        case .ready, .scheduled: ""
        case .held, .parked: "warn"
        case .dead, .quarantine: "bad"
        }
    }

    static func jobLink(_ id: String) -> String { "/admin/jobs/job/" + FormText.encode(id) }
}
