import ApiumBeat
import ApiumCore
import Hummingbird
import PriceWatchModel

extension AdminPanel {
    private var desk: ScheduleDesk { ScheduleDesk(of: services.apium) }

    /// The schedule:
    /// - `GET /admin/schedule`, `/admin/schedule/ledger`, `/admin/schedule/new`, `/admin/schedule/entry/<name>`, `…/edit`, `…/remove`
    /// - `POST /admin/schedule/save`, `/admin/schedule/entry/<name>/enable|disable|run|remove`
    func schedule(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        if page.isPost, !signedIn.canEdit { throw PageFault.forbidden }
        do {
            switch (page.path.count, page.path.count > 1 ? page.path[1] : "", page.isPost) {
            case (1, _, false): return try await scheduleList(page, signedIn)
            case (2, "ledger", false): return try await scheduleLedger(page, signedIn)
            case (2, "new", false): return try await scheduleForm(page, signedIn, ScheduleDraft(revision: try await desk.overview().edition.revision))
            case (2, "save", true): return try await saveEntry(page, signedIn)
            case (3, "entry", false): return try await scheduleEntry(page.path[2], page, signedIn)
            case (4, "entry", false) where page.path[3] == "edit": return try await editEntry(page.path[2], page, signedIn)
            case (4, "entry", false) where page.path[3] == "remove": return try await confirmRemoval(page.path[2], page, signedIn)
            case (4, "entry", true): return try await changeEntry(page.path[2], page.path[3], page, signedIn)
            default: throw PageFault.notFound
            }
        } catch let error as ApiumError where error.code == .noSuchEntry {
            throw PageFault.notFound
        } catch let error as ApiumError where error.code == .scheduleConflict {
            throw PageFault.conflict
        }
    }

    // MARK: Reading

    private func scheduleList(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let overview = try await desk.overview()
        let rows = overview.entries.map { listing in
            let zone = listing.entry?.zone ?? .utc
            let values: [String: Any?] = [
                "name": listing.name, "href": Self.link(listing.name), "source": Texts.text("source_\(listing.source.rawValue)", page.language),
                "when": listing.entry.map { $0.schedule.text(in: page.language) } ?? listing.fault ?? "", "task": listing.entry?.task ?? "",
                "next": listing.next.map { SlotPreview(slot: $0, zone: zone).local } ?? "",
                "last": listing.progress?.mark.map { SlotPreview(slot: $0, zone: zone).local } ?? "",
                "isEnabled": listing.entry?.isEnabled ?? false, "hasEntry": listing.entry != nil, "isSwitched": listing.isSwitched,
                "mayChange": signedIn.canEdit && listing.entry != nil,
            ]
            return values.compactMapValues { $0 }
        }
        let values: [String: Any?] = [
            "rows": rows, "isEmpty": rows.isEmpty, "notice": notice(page), "mayChange": signedIn.canEdit, "generation": String(overview.edition.generation),
            "revision": String(overview.edition.revision),
        ]
        return renderer.page("schedule", values, title: Texts.text("schedule", page.language), for: page, signedIn: signedIn)
    }

    private func scheduleEntry(_ name: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let listing = try await desk.listing(name)
        let slots = listing.entry == nil ? [] : try await desk.preview(name, count: 20)
        let records = try await desk.ledger(LedgerQuery(entry: name, limit: 50))
        let audit = try await desk.audit(entry: name, limit: 20)
        let isOwn = listing.source != .deployed || listing.isShadowing
        let values: [String: Any?] = [
            "href": Self.link(name), "source": Texts.text("source_\(listing.source.rawValue)", page.language), "task": listing.entry?.task ?? "",
            "when": listing.entry?.schedule.text(in: page.language) ?? "", "definition": listing.entry?.yaml, "fault": listing.fault,
            "isEnabled": listing.entry?.isEnabled ?? false, "hasEntry": listing.entry != nil, "isShadowing": listing.isShadowing,
            "isSwitched": listing.isSwitched, "mayChange": signedIn.canEdit, "mayEdit": signedIn.canEdit && listing.source == .added,
            "mayRemove": signedIn.canEdit && isOwn, "slots": slots.map { ["local": $0.local, "note": $0.note?.text(in: page.language) ?? ""] },
            "records": records.map { Self.row($0, page.language) }, "hasRecords": !records.isEmpty,
            "audit": audit.map {
                [
                    "at": Self.text($0.at), "editor": $0.editor.name, "action": $0.editor.action, "before": $0.before ?? "", "after": $0.after ?? "",
                ] as [String: Any]
            }, "hasAudit": !audit.isEmpty, "notice": notice(page),
        ]
        return renderer.page("schedule_entry", values, title: name, for: page, signedIn: signedIn)
    }

    private func scheduleLedger(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let outcome = page.query["outcome"].flatMap(SlotRecord.Outcome.init)
        let entry = page.query["entry"].flatMap { $0.isEmpty ? nil : $0 }
        let records = try await desk.ledger(LedgerQuery(entry: entry, outcomes: Set([outcome].compactMap { $0 }), limit: 200))
        let choices = SlotRecord.Outcome.allCases.map {
            ["value": $0.rawValue, "label": Texts.text("outcome_\($0.rawValue)", page.language), "selected": $0 == outcome] as [String: Any]
        }
        let values: [String: Any?] = [
            "records": records.map { Self.row($0, page.language) }, "hasRecords": !records.isEmpty, "entry": entry ?? "", "choices": choices,
        ]
        return renderer.page("schedule_ledger", values, title: Texts.text("ledger", page.language), for: page, signedIn: signedIn)
    }

    private static func row(_ record: SlotRecord, _ language: Language) -> [String: Any] {
        let late = record.outcome == .skipped ? "" : "\(Double(record.lateness.wholeMicroseconds / 100) / 10) " + (language == .russian ? "мс" : "ms")
        return [
            "entry": record.entry, "href": link(record.entry), "slot": text(record.slot), "outcome": Texts.text("outcome_\(record.outcome.rawValue)", language),
            "reason": record.reason.map { Texts.text("reason_\($0.rawValue)", language) } ?? "", "count": record.count > 1 ? String(record.count) : "",
            "job": record.jobID ?? "", "blocker": record.blocker ?? "", "late": late,
        ]
    }

    // MARK: Changing

    private func changeEntry(_ name: String, _ action: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let editor = signedIn.account.name
        switch action {
        case "enable": try await desk.setEnabled(true, name, by: editor)
        case "disable": try await desk.setEnabled(false, name, by: editor)
        case "run": _ = try await desk.run(name, by: editor)
        case "remove": try await desk.remove(name, by: editor)
        default: throw PageFault.notFound
        }
        try await services.tables.record(action: action, target: "schedule", detail: name, by: actor(page, signedIn))
        let back = action == "remove" || page.form["back"] == "list" ? "/admin/schedule" : Self.link(name)
        return PageRenderer.redirect(back + "?notice=" + (action == "remove" ? "deleted" : action == "run" ? "enqueued" : "done"))
    }

    private func editEntry(_ name: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        let overview = try await desk.overview()
        guard let listing = overview[name], listing.source == .added, let entry = listing.entry else { throw PageFault.notFound }
        let draft = ScheduleDraft(name: name, definition: entry.yaml, revision: overview.edition.revision, isNew: false)
        return try await scheduleForm(page, signedIn, draft)
    }

    private func confirmRemoval(_ name: String, _ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        guard signedIn.canEdit else { throw PageFault.forbidden }
        let listing = try await desk.listing(name)
        let values: [String: Any?] = [
            "action": Self.link(name) + "/remove", "version": "", "back": Self.link(name),
            "facts": [
                ["label": Texts.text("name", page.language), "value": name], ["label": Texts.text("task", page.language), "value": listing.entry?.task ?? ""],
            ],
        ]
        return renderer.page("confirm", values, title: name, for: page, signedIn: signedIn)
    }

    /// What a form holds; the same page shows its faults, or its slots to come.
    private struct ScheduleDraft {
        var name = ""
        var definition = "task: \nevery: 1h\n"
        var revision: Int64
        var isNew = true
    }

    private func scheduleForm(
        _ page: AdminRequest, _ signedIn: SignedIn, _ draft: ScheduleDraft, fault: String? = nil, slots: [SlotPreview] = []
    ) async throws -> Response {
        guard signedIn.canEdit else { throw PageFault.forbidden }
        let values: [String: Any?] = [
            "name": draft.name, "definition": draft.definition, "revision": String(draft.revision), "isNew": draft.isNew, "fault": fault,
            "slots": slots.map { ["local": $0.local, "note": $0.note?.text(in: page.language) ?? ""] }, "hasSlots": !slots.isEmpty,
            "back": draft.isNew ? "/admin/schedule" : Self.link(draft.name),
        ]
        let title = draft.isNew ? Texts.text("newEntry", page.language) : draft.name
        return renderer.page("schedule_form", values, title: title, for: page, signedIn: signedIn, status: fault == nil ? .ok : .unprocessableContent)
    }

    private func saveEntry(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        guard let name = page.form["name"], let text = page.form["definition"], let revision = page.form["revision"].flatMap({ Int64($0) }) else {
            throw PageFault.badRequest
        }
        let isNew = page.form["new"] == "true"
        let draft = ScheduleDraft(name: name, definition: text, revision: revision, isNew: isNew)
        do {
            let entry = try ScheduleEntry(name: name, yaml: text)
            let plan = try await desk.plan(adding: [entry], replacing: !isNew)
            if let fault = plan.refusals.first { throw fault }
            if page.form["action"] == "preview" {
                return try await scheduleForm(page, signedIn, draft, slots: entry.preview(count: 10, after: .now()))
            }
            try await desk.add(entry, by: signedIn.account.name, replacing: !isNew, since: revision)
        } catch let error as ApiumError where error.code == .invalidConfiguration || error.code == .scheduleConflict {
            return try await scheduleForm(page, signedIn, draft, fault: error.message)
        }
        try await services.tables.record(action: isNew ? "add" : "edit", target: "schedule", detail: name, by: actor(page, signedIn))
        return PageRenderer.redirect(Self.link(name) + "?notice=saved")
    }

    private static func link(_ name: String) -> String { "/admin/schedule/entry/" + FormText.encode(name) }

    private static func text(_ instant: Timestamp) -> String { String(instant.iso8601.prefix(23)).replacing("T", with: " ") }
}
