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
        /// The record as it was when the form was made.
        var version: String

        init(_ record: ShelvedRecord) throws {
            let job = try EditableJob(record)
            args = JSONValue.array(job.args).pretty
            kwargs = JSONValue.object(job.kwargs).pretty
            queue = job.queue
            priority = String(job.priority)
            // It has its attempts again, unless somebody says otherwise.
            retries = "0"
            version = Self.version(of: record)
        }

        init(form: [String: String]) {
            (args, kwargs, queue) = (form["args"] ?? "", form["kwargs"] ?? "", (form["queue"] ?? "").trimmingBlanks)
            (priority, retries, version) = (form["priority"] ?? "", form["retries"] ?? "", form["version"] ?? "")
        }

        static func version(of record: ShelvedRecord) -> String {
            SHA256.hash(data: record.payload + Array(record.queue.utf8)).prefix(16).map { String($0, radix: 16) }.joined(separator: ".")
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
        guard let draft = try await given(draft, of: id) else { throw PageFault.notFound }
        let values: [String: Any?] = [
            "id": id, "href": Self.jobLink(id), "args": draft.args, "kwargs": draft.kwargs, "queue": draft.queue, "priority": draft.priority,
            "retries": draft.retries, "version": draft.version, "fault": fault.map { Texts.text("draft_\($0.rawValue)", page.language) },
        ]
        let title = Texts.text("editAndRetry", page.language)
        return renderer.page("jobs_edit", values, title: title, for: page, signedIn: signedIn, status: fault == nil ? .ok : .unprocessableContent)
    }

    private func given(_ draft: JobDraft?, of id: String) async throws -> JobDraft? {
        if let draft { return draft }
        return try await record(id).map { try JobDraft($0.record) }
    }

    /// Saves a draft where the job lies, or puts the job on its queue with it, in one step.
    func saveJob(_ id: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let draft = JobDraft(form: page.form)
        guard let (shelf, record) = try await record(id) else { return PageRenderer.redirect(Self.jobLink(id) + "?notice=gone") }
        do {
            guard JobDraft.version(of: record) == draft.version else { throw DraftFault.changedMeanwhile }
            let desk = services.apium.shelf(shelf)
            if page.form["action"] == "run" {
                try await desk.requeue(id) { try draft.write(to: &$0) }
            } else {
                try await desk.edit(id) { try draft.write(to: &$0) }
            }
        } catch let fault as DraftFault {
            return try await jobForm(id, page, signedIn, draft, fault: fault)
        } catch let error as ApiumError where error.code == .conflict {
            return try await jobForm(id, page, signedIn, draft, fault: .changedMeanwhile)
        }
        await live.refresh()
        let action = page.form["action"] == "run" ? "edit_and_requeue" : "edit"
        try await services.tables.record(action: action, target: "jobs", detail: id, by: actor(page, signedIn))
        return PageRenderer.redirect(Self.jobLink(id) + "?notice=" + (action == "edit" ? "saved" : "requeued"))
    }

    func record(_ id: String) async throws -> (shelf: Shelf, record: ShelvedRecord)? { try await JobStory.record(id, services.apium.broker) }
}
