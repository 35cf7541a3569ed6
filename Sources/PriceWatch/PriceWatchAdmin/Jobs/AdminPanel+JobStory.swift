import ApiumCore
import ApiumInspect
import Crypto
import DynamicJSON
import Hummingbird
import PriceWatchModel

extension AdminPanel {
    /// `GET /admin/jobs/job?id=…` leads to the job; `GET /admin/jobs/job/<id>` is its story.
    func jobStory(_ id: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let story = try await JobStory(id, live.inspector, LiveWords(language: page.language))
        var values = story.values(mayChange: signedIn.canEdit)
        values["notice"] = notice(page)
        return renderer.page("jobs_story", values, title: story.task ?? Texts.text("job", page.language), for: page, signedIn: signedIn)
    }

    func findJob(_ page: AdminRequest) throws -> Response {
        let id = (page.query["id"] ?? "").trimmingBlanks
        guard !id.isEmpty, id.utf8.count <= 512 else { return PageRenderer.redirect("/admin/jobs/list") }
        return PageRenderer.redirect(Self.jobLink(id))
    }

    // MARK: Editing

    /// What a form of a job holds.
    struct JobDraft {
        var args: String
        var kwargs: String
        var queue: String
        var priority: String
        var retries: String
        /// The job as it was when the form was made, and where.
        var version: String
        var place: String

        init(_ row: JobRow) throws {
            let job = try EditableJob(row.payload, queue: row.queue)
            args = JSONValue.array(job.args).pretty
            kwargs = JSONValue.object(job.kwargs).pretty
            queue = job.queue
            priority = String(job.priority)
            // One that has failed has its attempts again, unless somebody says otherwise.
            retries = row.waiting == nil ? "0" : String(job.retries)
            version = Self.version(of: row)
            place = row.place.rawValue
        }

        init(form: [String: String]) {
            (args, kwargs, queue) = (form["args"] ?? "", form["kwargs"] ?? "", (form["queue"] ?? "").trimmingBlanks)
            (priority, retries, version, place) = (form["priority"] ?? "", form["retries"] ?? "", form["version"] ?? "", form["from"] ?? "")
        }

        static func version(of row: JobRow) -> String {
            SHA256.hash(data: row.payload + Array(row.queue.utf8)).prefix(16).map { String($0, radix: 16) }.joined(separator: ".")
        }

        /// Writes the draft into a job.
        func write(to job: inout EditableJob) throws(DraftFault) {
            guard case .array(let list)? = try? JSONValue(parsing: args.isEmpty ? "[]" : args) else { throw .notAList }
            guard case .object(let members)? = try? JSONValue(parsing: kwargs.isEmpty ? "{}" : kwargs) else { throw .notAnObject }
            guard let priority = Int(priority), (0...9).contains(priority) else { throw .notAPriority }
            guard let retries = Int(retries), (0...1_000_000).contains(retries) else { throw .notACount }
            guard !queue.isEmpty else { throw .noQueue }
            if job.args != list { job.args = list }
            if job.kwargs != members { job.kwargs = members }
            (job.queue, job.priority, job.retries) = (queue, priority, retries)
        }
    }

    /// What is wrong with a draft; each has its words.
    enum DraftFault: String, Error { case notAList, notAnObject, notAPriority, notACount, noQueue, changedMeanwhile }

    func jobForm(_ id: String, _ page: AdminRequest, _ signedIn: SignedIn, _ draft: JobDraft? = nil, fault: DraftFault? = nil) async throws -> Response {
        guard signedIn.canEdit else { throw PageFault.forbidden }
        guard let row = try await changeable(id, at: draft.flatMap { JobPlace(rawValue: $0.place) }) else {
            // It was there when the form was opened.
            if draft != nil { return PageRenderer.redirect(Self.jobLink(id) + "?notice=gone") }
            throw PageFault.notFound
        }
        let draft = try draft ?? JobDraft(row)
        let text = { (key: String) in Texts.text(key, page.language) }
        let values: [String: Any?] = [
            "id": id, "href": Self.jobLink(id), "args": draft.args, "kwargs": draft.kwargs, "queue": draft.queue, "priority": draft.priority,
            "retries": draft.retries, "version": draft.version, "place": draft.place, "fault": fault.map { text("draft_\($0.rawValue)") },
            // What is in a queue runs anyhow.
            "run": row.place == .ready ? nil : text(row.waiting == nil ? "saveAndRun" : "saveAndRunNow"),
            "save": text(row.waiting == nil ? "saveOnly" : "save"),
            "note": row.waiting.map { _ in text("editWaiting") },
        ]
        let title = text(row.waiting == nil ? "editAndRetry" : "edit")
        return renderer.page("jobs_edit", values, title: title, for: page, signedIn: signedIn, status: fault == nil ? .ok : .unprocessableContent)
    }

    /// Saves a draft where the job is, or puts the job on its queue with it, in one step.
    func saveJob(_ id: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let draft = JobDraft(form: page.form)
        guard let place = JobPlace(rawValue: draft.place) else { throw PageFault.badRequest }
        guard let row = try await changeable(id, at: place) else { return PageRenderer.redirect(Self.jobLink(id) + "?notice=gone") }
        let isRun = page.form["action"] == "run"
        do {
            guard JobDraft.version(of: row) == draft.version else { throw DraftFault.changedMeanwhile }
            let desk = JobDesk(live.inspector)
            let outcome = isRun ? try await desk.requeue(row) { try draft.write(to: &$0) } : try await desk.edit(row) { try draft.write(to: &$0) }
            guard outcome == .done else { throw DraftFault.changedMeanwhile }
        } catch let fault as DraftFault {
            return try await jobForm(id, page, signedIn, draft, fault: fault)
        }
        await live.refresh()
        let action = isRun ? "edit_and_requeue" : "edit"
        try await services.tables.record(action: action, target: "jobs", detail: id, by: actor(page, signedIn))
        return PageRenderer.redirect(Self.jobLink(id) + "?notice=" + (isRun ? "requeued" : "saved"))
    }

    /// The job where it can be changed; `nil`: it runs, has ended, or is not there.
    func changeable(_ id: String, at place: JobPlace?) async throws -> JobRow? {
        try await JobStory.changeable(id, at: place, JobDesk(live.inspector))
    }
}
