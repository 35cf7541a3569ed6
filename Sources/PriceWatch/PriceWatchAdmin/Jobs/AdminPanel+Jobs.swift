import ApiumCore
import Hummingbird
import PriceWatchModel

extension AdminPanel {
    /// The jobs:
    /// - `GET /admin/jobs`, `/admin/jobs/live`, `/admin/jobs/list`, `/admin/jobs/job?id=`, `/admin/jobs/doctor`
    /// - `GET /admin/jobs/job/<id>`, `…/edit`, `…/cancel`, `…/discard`; `POST …/edit|cancel|requeue|discard`
    /// - `GET` and `POST /admin/jobs/shelf/<shelf>/requeue|discard`; `GET` and `POST /admin/jobs/queue|name/<name>/pause`, `POST …/resume`
    /// - `POST /admin/jobs/doctor/repair`
    func jobs(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        if page.isPost { return try await changeJobs(page, signedIn) }
        let path = page.path
        switch (path.count, path.count > 1 ? path[1] : "") {
        case (1, _): return try await jobsBoard(page, signedIn)
        case (2, "live"): return try jobsStream(page, signedIn)
        case (2, "list"): return try await jobList(page, signedIn)
        case (2, "doctor"): return try await jobsDoctor(page, signedIn)
        case (2, "job"): return try findJob(page)
        case (3, "job"): return try await jobStory(path[2], page, signedIn)
        case (4, "job") where path[3] == "edit": return try await jobForm(path[2], page, signedIn)
        case (4, "job"): return try await confirmJob(path[2], path[3], page, signedIn)
        case (4, "shelf"):
            guard let shelf = Shelf(rawValue: path[2]) else { throw PageFault.notFound }
            return try await confirmShelf(shelf, path[3], page, signedIn)
        case (4, let kind) where path[3] == "pause":
            guard let target = Self.target(kind, path[2]) else { throw PageFault.notFound }
            return try confirmPause(target, "/admin/jobs/\(kind)/\(FormText.encode(path[2]))/pause", page, signedIn)
        default: throw PageFault.notFound
        }
    }

    private func changeJobs(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        guard signedIn.canEdit else { throw PageFault.forbidden }
        let path = page.path
        if path == ["jobs", "doctor", "repair"] { return try await repair(page, signedIn) }
        guard path.count == 4 else { throw PageFault.notFound }
        switch path[1] {
        case "job": return try await changeJob(path[2], path[3], page, signedIn)
        case "shelf":
            guard let shelf = Shelf(rawValue: path[2]) else { throw PageFault.notFound }
            return try await changeShelf(shelf, path[3], page, signedIn)
        case let kind:
            guard let target = Self.target(kind, path[2]) else { throw PageFault.notFound }
            return try await setPause(target, path[3], page, signedIn)
        }
    }

    /// The sentence that a redirect left for the next page; only ours are shown.
    func notice(_ page: AdminRequest) -> String? {
        let known = ["done", "gone", "saved", "deleted", "checking", "enqueued", "requeued", "cancelled", "pausedNow", "resumedNow"]
        guard let key = page.query["notice"], known.contains(key) else { return nil }
        return Texts.text(key, page.language)
    }
}
