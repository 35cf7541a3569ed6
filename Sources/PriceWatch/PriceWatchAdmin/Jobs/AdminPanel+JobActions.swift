import ApiumCore
import ApiumInspect
import Hummingbird
import PriceWatchModel

/// What is asked before something is done.
struct Confirmation {
    /// Where the answer goes.
    var action: String
    var question: String
    var verb: String
    var facts: [(label: String, value: String)] = []
    var hidden: [(name: String, value: String)] = []
    var back: String
    var isDangerous = true
}

extension AdminPanel {
    func confirm(_ asked: Confirmation, title: String, _ page: AdminRequest, _ signedIn: SignedIn) throws -> Response {
        guard signedIn.canEdit else { throw PageFault.forbidden }
        let values: [String: Any?] = [
            "action": asked.action, "question": asked.question, "verb": asked.verb, "back": asked.back, "isDangerous": asked.isDangerous,
            "facts": asked.facts.map { ["label": $0.label, "value": $0.value] as [String: Any] },
            "hidden": asked.hidden.map { ["name": $0.name, "value": $0.value] as [String: Any] },
        ]
        return renderer.page("jobs_confirm", values, title: title, for: page, signedIn: signedIn)
    }

    // MARK: One job

    func confirmJob(_ id: String, _ action: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        guard action == "cancel" || action == "discard" else { throw PageFault.notFound }
        let text = { (key: String) in Texts.text(key, page.language) }
        let story = try await JobStory(id, live.inspector, LiveWords(language: page.language))
        let verb = text(action == "cancel" ? "cancelJob" : "discard")
        let asked = Confirmation(
            action: Self.jobLink(id) + "/" + action, question: text("confirm_\(action)"), verb: verb,
            facts: [(text("task"), story.task ?? LiveWords.unknown), (text("id"), id), (text("state"), text("kind_\(story.explanation.standing.kind)"))],
            hidden: action == "discard" ? [("from", story.record?.shelf.rawValue ?? "")] : [], back: Self.jobLink(id))
        return try confirm(asked, title: verb, page, signedIn)
    }

    func changeJob(_ id: String, _ action: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let outcome: String
        var back = Self.jobLink(id)
        switch action {
        case "edit": return try await saveJob(id, page, signedIn)
        case "cancel":
            try await services.apium.revoke([id], by: signedIn.account.name)
            outcome = "cancelled"
        case "requeue", "discard":
            guard let place = page.form["from"].flatMap(JobPlace.init) else { throw PageFault.badRequest }
            // What waits is cancelled instead, so that whoever waits for it is told.
            guard action == "requeue" || place.shelf != nil, let row = try await changeable(id, at: place) else {
                return PageRenderer.redirect(back + "?notice=gone")
            }
            let desk = JobDesk(live.inspector)
            let result = try await action == "requeue" ? desk.requeue(row) : desk.delete(row)
            guard result == .done else { return PageRenderer.redirect(back + "?notice=gone") }
            outcome = action == "requeue" ? "requeued" : "done"
            if action == "discard" { back = "/admin/jobs/list?state=\(row.place.rawValue)" }
        default: throw PageFault.notFound
        }
        await live.refresh()
        try await services.tables.record(action: action, target: "jobs", detail: id, by: actor(page, signedIn))
        return PageRenderer.redirect(back + (back.contains("?") ? "&" : "?") + "notice=" + outcome)
    }

    // MARK: A shelf

    /// The most jobs that one confirmation is about.
    private static let bulkLimit = 1000

    func confirmShelf(_ shelf: Shelf, _ action: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        guard action == "requeue" || action == "discard" else { throw PageFault.notFound }
        let text = { (key: String) in Texts.text(key, page.language) }
        let words = LiveWords(language: page.language)
        var filter = JobListFilter(page.query)
        filter.state = shelf.rawValue
        let now = try await services.apium.broker.serverTime()
        let count = try await services.apium.shelf(shelf).records(filter.shelfFilter(at: now), limit: Self.bulkLimit + 1).count
        let shown = count > Self.bulkLimit ? words.count(Self.bulkLimit) + " " + text("ofMore") : words.count(count)
        let verb = text(action == "requeue" ? "requeueAll" : "discardAll")
        let asked = Confirmation(
            action: "/admin/jobs/shelf/\(shelf.rawValue)/\(action)", question: text("confirm_\(action)_all"), verb: verb,
            facts: [
                (text("jobs"), shown), (text("state"), text("place_\(shelf.rawValue)")), (text("queue"), filter.queue.isEmpty ? text("all") : filter.queue),
                (text("task"), filter.pattern ?? text("all")),
            ],
            hidden: [("queue", filter.queue), ("name", filter.name), ("older", filter.older)], back: "/admin/jobs/list?" + filter.query,
            isDangerous: action == "discard")
        return try confirm(asked, title: verb, page, signedIn)
    }

    func changeShelf(_ shelf: Shelf, _ action: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        var filter = JobListFilter(page.form)
        filter.state = shelf.rawValue
        let desk = services.apium.shelf(shelf)
        let meant = filter.shelfFilter(at: try await services.apium.broker.serverTime())
        let count: Int
        switch action {
        case "requeue": count = try await desk.requeueAll(meant, limit: Self.bulkLimit)
        case "discard": count = try await desk.discardAll(meant, limit: Self.bulkLimit)
        default: throw PageFault.notFound
        }
        await live.refresh()
        try await services.tables.record(action: action, target: shelf.rawValue, detail: "\(count) jobs", by: actor(page, signedIn))
        return PageRenderer.redirect("/admin/jobs/list?\(filter.query)&notice=\(action == "requeue" ? "requeued" : "done")")
    }

    // MARK: Pauses

    /// What a path speaks of: `queue/<name>` or `name/<job>`.
    static func target(_ kind: String, _ name: String) -> HoldTarget? {
        switch kind {
        case "queue": .queue(name)
        case "name": .job(name)
        default: nil
        }
    }

    func confirmPause(_ target: HoldTarget, _ path: String, _ page: AdminRequest, _ signedIn: SignedIn) throws -> Response {
        let text = { (key: String) in Texts.text(key, page.language) }
        let asked = Confirmation(
            action: path, question: text("confirm_pause"), verb: text("pause"), facts: [(text("pauseTarget"), target.text)], back: "/admin/jobs",
            isDangerous: false)
        return try confirm(asked, title: text("pause"), page, signedIn)
    }

    func setPause(_ target: HoldTarget, _ action: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        do {
            switch action {
            case "pause": _ = try await services.apium.pause(target)
            case "resume": _ = try await services.apium.resume(target)
            default: throw PageFault.notFound
            }
        } catch let error as ApiumError where error.code == .badArguments {
            throw PageFault.badRequest
        }
        await live.refresh()
        try await services.tables.record(action: action, target: "jobs", detail: target.text, by: actor(page, signedIn))
        return PageRenderer.redirect("/admin/jobs?notice=" + (action == "pause" ? "pausedNow" : "resumedNow"))
    }

    // MARK: The doctor

    /// `GET /admin/jobs/doctor`
    func jobsDoctor(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let diagnosis = try await live.inspector.diagnose()
        let words = LiveWords(language: page.language)
        let text = { (key: String) in Texts.text(key, page.language) }
        let language = words.inspecting
        let findings = diagnosis.findings.map { finding in
            var values: [String: Any] = [
                "severity": text("severity_\(finding.severity.rawValue)"),
                "tone": finding.severity == .error ? "bad" : finding.severity == .warning ? "warn" : "", "code": finding.code,
                "summary": finding.seen.text(in: language), "meaning": finding.consequence.text(in: language),
            ]
            values["repair"] = finding.repair?.text(in: language) ?? false
            return values
        }
        let values: [String: Any?] = [
            "isHealthy": diagnosis.isHealthy, "verdict": text(diagnosis.isHealthy ? "healthy" : "unhealthy"), "findings": findings,
            "looked": "\(text("lookedAt")) \(words.count(diagnosis.jobs)), \(text("keys")) \(words.count(diagnosis.keys))"
                + (diagnosis.isComplete ? "" : ", " + text("notAll")),
            "mayRepair": signedIn.canEdit && diagnosis.findings.contains { $0.repair != nil }, "notice": notice(page),
        ]
        return renderer.page("jobs_doctor", values, title: text("doctor"), for: page, signedIn: signedIn)
    }

    /// Repairs what loses nothing, as `apium doctor --repair` does.
    func repair(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let treatments = try await live.inspector.repair(try await live.inspector.diagnose())
        let changed = treatments.filter(\.isChanged).count
        await live.refresh()
        try await services.tables.record(action: "repair", target: "jobs", detail: "\(changed) findings", by: actor(page, signedIn))
        return PageRenderer.redirect("/admin/jobs/doctor?notice=done")
    }
}
