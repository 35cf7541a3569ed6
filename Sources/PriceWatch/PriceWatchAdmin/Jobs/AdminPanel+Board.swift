import ApiumCore
import ApiumInspect
import DynamicJSON
import Hummingbird
import PriceWatchModel

extension AdminPanel {
    func board(_ filter: ChartFilter, _ words: LiveWords) async throws -> JobsBoard {
        let snapshot = try await live.snapshot()
        return JobsBoard(snapshot, try await live.history(filter.range.resolution, slots: filter.range.slots), filter, words)
    }

    /// `GET /admin/jobs`: charts, queues, jobs by name and workers.
    func jobsBoard(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let filter = ChartFilter(page.query)
        let board = try await board(filter, LiveWords(language: page.language))
        let text = { (key: String) in Texts.text(key, page.language) }
        let ranges = ChartRange.allCases.map { range in
            var other = filter
            other.range = range
            return ["label": text("range_\(range.rawValue)"), "href": "/admin/jobs?" + other.query, "isCurrent": range == filter.range] as [String: Any]
        }
        let names = Set(board.snapshot.recent.totals.map(\.key.task) + [filter.task]).subtracting(["", HistoryKey.other.task]).sorted()
        let queues = Set(board.snapshot.queues.map(\.queue) + [filter.queue]).subtracting([""]).sorted()
        let charts = Self.charts.map { name, kind, isWide in
            ["name": name, "kind": kind, "title": text("chart_\(name)"), "hint": text("chart_\(name)_hint"), "isWide": isWide] as [String: Any]
        }
        let values: [String: Any?] = [
            "ranges": ranges, "charts": charts, "queueChoices": Self.choices(queues, filter.queue), "taskChoices": Self.choices(names, filter.task),
            "range": filter.range.rawValue, "rangeLabel": text("range_\(filter.range.rawValue)"), "now": board.texts, "queues": board.queueRows,
            "workers": board.workerRows, "hasWorkers": !board.workerRows.isEmpty, "jobs": board.jobRows, "hasJobs": !board.jobRows.isEmpty,
            "shape": board.shape, "stream": "/admin/jobs/live?" + filter.query, "data": Self.embedded(board.event),
            "scriptWords": Self.scriptWords(page.language),
            "mayChange": signedIn.canEdit, "notice": notice(page), "isFiltered": !filter.queue.isEmpty || !filter.task.isEmpty,
            "unfiltered": "/admin/jobs?last=\(filter.range.rawValue)",
        ]
        return renderer.page("jobs", values, title: text("jobs"), for: page, signedIn: signedIn)
    }

    private static let charts = [
        ("ended", "bars", true), ("failures", "bars", false), ("waits", "lines", false), ("runs", "lines", false), ("spread", "spread", false),
        ("lengths", "lines", true),
    ]

    static func choices(_ values: [String], _ selected: String) -> [[String: Any]] {
        values.map { ["value": $0, "label": $0, "selected": $0 == selected] as [String: Any] }
    }

    /// JSON that can stand within a page: nothing in it ends the element.
    static func embedded(_ value: JSONValue) -> String { PageText.embedded(value.text) }

    /// The words that the page's script writes.
    private static func scriptWords(_ language: PriceWatchModel.Language) -> String {
        let keys = [
            "succeeded", "failed", "retried", "other", "median", "most", "liveOn", "liveOff", "livePaused", "livePause", "liveResume", "noData", "timeColumn",
            "durationColumn", "ran", "waited",
            "unit_ms", "unit_s", "unit_min", "unit_h",
        ]
        return embedded(.object(Dictionary(keys.map { ($0, .string(Texts.text("js_\($0)", language))) }) { $1 }))
    }

    /// `GET /admin/jobs/live`: the same numbers again and again, as server-sent events, for as long as the session lasts.
    func jobsStream(_ page: AdminRequest, _ signedIn: SignedIn) throws -> Response {
        guard let seat = streams.take() else { throw PageFault.unavailable }
        let filter = ChartFilter(page.query)
        let words = LiveWords(language: page.language)
        let stream = LiveStream(panel: self, filter: filter, words: words, token: signedIn.token)
        let body = ResponseBody { writer in
            defer { seat.leave() }
            try await stream.run { try await writer.write($0) }
            try await writer.finish(nil)
        }
        return PageRenderer.stream(body)
    }
}
