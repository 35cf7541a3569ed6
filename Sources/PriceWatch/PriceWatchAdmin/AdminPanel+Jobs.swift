import ApiumCore
import Hummingbird
import PriceWatchModel

extension AdminPanel {
    /// The queues and the broker's shelves: `GET /admin/jobs`, `POST /admin/jobs/<shelf>/requeue|discard`.
    func jobs(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        if page.path.count == 3, page.isPost { return try await changeRecord(page, signedIn) }
        guard page.path.count == 1, !page.isPost else { throw PageFault.notFound }
        let broker = services.apium.broker
        var queues: [[String: Any]] = []
        for queue in services.queues { queues.append(["name": queue, "length": String(try await broker.queueLength(queue))]) }
        var shelves: [[String: Any]] = []
        for shelf in Shelf.allCases {
            let records = try await broker.records(in: shelf, limit: 100)
            let rows = records.map { record in
                [
                    "id": record.id, "task": record.task ?? "", "queue": record.queue, "reason": String(record.reason.prefix(500)),
                    "attempts": String(record.attempts),
                    "at": String(record.at.iso8601.prefix(19)).replacing("T", with: " "), "shelf": shelf.rawValue, "mayChange": signedIn.canEdit,
                ] as [String: Any]
            }
            shelves.append([
                "label": Texts.text(shelf.rawValue, page.language), "name": shelf.rawValue, "rows": rows, "isEmpty": rows.isEmpty, "count": String(rows.count),
            ])
        }
        let values: [String: Any?] = [
            "queues": queues, "scheduled": String(try await broker.scheduledCount()), "shelves": shelves, "notice": notice(page),
        ]
        return renderer.page("jobs", values, title: Texts.text("jobs", page.language), for: page, signedIn: signedIn)
    }

    private func changeRecord(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        guard signedIn.canEdit else { throw PageFault.forbidden }
        guard let shelf = Shelf(rawValue: page.path[1]), let id = page.form["id"] else { throw PageFault.notFound }
        let isThere: Bool
        switch page.path[2] {
        case "requeue": isThere = try await services.apium.broker.requeue(id, from: shelf)
        case "discard": isThere = try await services.apium.broker.discard(id, from: shelf)
        default: throw PageFault.notFound
        }
        try await services.tables.record(action: page.path[2], target: shelf.rawValue, detail: id, by: actor(page, signedIn))
        return PageRenderer.redirect("/admin/jobs?notice=" + (isThere ? "done" : "gone"))
    }

    /// The sentence that a redirect left for the next page; only ours are shown.
    func notice(_ page: AdminRequest) -> String? {
        guard let key = page.query["notice"], ["done", "gone", "saved", "deleted", "checking", "enqueued"].contains(key) else { return nil }
        return Texts.text(key, page.language)
    }
}
