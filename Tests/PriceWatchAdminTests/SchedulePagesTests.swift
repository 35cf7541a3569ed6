import ApiumBeat
import ApiumCore
import PriceWatchModel
import Testing

@testable import PriceWatchAdmin

@Suite("The schedule's pages")
struct SchedulePagesTests {
    private func browser() async throws -> Browser {
        let browser = try Browser(publicURL: "http://shop.test")
        let entry = ScheduleEntry(name: "own", task: "shop.check_due", schedule: .every(.seconds(10)))
        let adoption = ScheduleAdoption(
            edition: ScheduleEdition(generation: 1, revision: 0), entries: ["own": .init(version: "1", document: entry.definition.text)])
        _ = try await browser.broker.adopt(adoption)
        return browser
    }

    private let berlin = "task: shop.report\ncrontab: 30 2 * * *\ntimezone: Europe/Berlin\n"

    @Test("an entry is previewed, added, edited and removed with forms")
    func lifeOfAnEntry() async throws {
        let browser = try await browser()
        let token = try await browser.signIn()
        let form = ["csrf": token, "name": "a/b <x>", "definition": berlin, "revision": "0", "new": "true"]
        let preview = try await browser.post("/admin/schedule/save", form.merging(["action": "preview"]) { $1 })
        #expect(preview.status == 200 && preview.text.contains("T02:30:00+0"))
        #expect(try await browser.broker.schedule().edits.isEmpty, "a preview has saved")
        let saved = try await browser.post("/admin/schedule/save", form.merging(["action": "save"]) { $1 })
        let link = "/admin/schedule/entry/a%2Fb%20%3Cx%3E"
        #expect(saved.location == link + "?notice=saved")
        let page = try await browser.get(link)
        #expect(page.status == 200 && page.text.contains("shop.report") && !page.text.contains("<x>"))
        let edit = try await browser.get(link + "/edit")
        #expect(edit.text.contains("Europe/Berlin"))
        let changed = ["csrf": token, "name": "a/b <x>", "definition": "task: t\nevery: 5s\n", "revision": "1", "new": "false", "action": "save"]
        #expect(try await browser.post("/admin/schedule/save", changed).status == 303)
        let late = try await browser.post("/admin/schedule/save", changed.merging(["definition": "task: t\nevery: 6s\n"]) { $1 })
        #expect(late.status == 422 && late.text.contains("edited meanwhile"))
        #expect(try await browser.get(link + "/remove").status == 200)
        #expect(try await browser.post(link + "/remove", ["csrf": token]).location == "/admin/schedule?notice=deleted")
        #expect(try await browser.get(link).status == 404)
        #expect(try await ScheduleDesk(broker: browser.broker).audit().map(\.editor.name) == ["ann", "ann", "ann"])
        #expect(browser.store.state.withLock { $0.records.map(\.action) } == ["login", "add", "edit", "remove"])
    }

    @Test(
        "when an entry fires is said in the page's language",
        arguments: [
            ("every: 10s", "каждые 10\u{A0}с"), ("every: 2d", "каждые 2\u{A0}дн."), ("crontab: 30 2 * * *\ntimezone: Europe/Berlin", "пояс Europe/Berlin"),
            ("solar: {event: sunset, lat: 55.75, lon: 37.5}", "солнце: закат (55.75, 37.5)"), ("at: 2031-01-01T00:00:00Z", "один раз, 2031"),
        ])
    func russian(_ schedule: String, _ words: String) async throws {
        let browser = try await browser()
        let token = try await browser.signIn()
        browser.setCookie("pricewatch_language", "ru")
        let form = ["csrf": token, "name": "e", "definition": "task: t\n\(schedule)\n", "revision": "0", "new": "true", "action": "save"]
        let saved = try await browser.post("/admin/schedule/save", form)
        #expect(saved.status == 303, "\(saved.text)")
        for path in ["/admin/schedule", "/admin/schedule/entry/e"] { #expect(try await browser.get(path).text.contains(words), "\(path)") }
    }

    @Test("what the clock does around a slot is said in both languages")
    func notes() {
        for (note, words) in [
            (SlotPreview.Note.firstOfTwo, "впервые"), (.secondOfTwo, "второй раз"), (.changed(from: "+01:00", to: "+02:00"), "с +01:00 на +02:00"),
        ] {
            #expect(note.text(in: .russian).contains(words) && note.text(in: .english) == note.description)
        }
    }

    @Test("a definition with faults is shown again with all of them")
    func faults() async throws {
        let browser = try await browser()
        let token = try await browser.signIn()
        let form = ["csrf": token, "name": "e", "definition": "every: soon\nwhen: now\n", "revision": "0", "new": "true", "action": "save"]
        let page = try await browser.post("/admin/schedule/save", form)
        #expect(page.status == 422)
        for expected in ["no task", "every is", "unknown key", "every: soon"] { #expect(page.text.contains(expected), "\(expected)") }
        let taken = try await browser.post("/admin/schedule/save", form.merging(["name": "own", "definition": "task: t\nevery: 5s"]) { $1 })
        #expect(taken.status == 422 && taken.text.contains("entry of the deployment"))
    }

    @Test("a deployment's entry is switched and run from the list, and has no form to edit it")
    func deployed() async throws {
        let browser = try await browser()
        let token = try await browser.signIn()
        let list = try await browser.get("/admin/schedule")
        #expect(list.text.contains("/admin/schedule/entry/own/disable") && list.text.contains("shop.check_due"))
        let form = ["csrf": token, "back": "list"]
        #expect(try await browser.post("/admin/schedule/entry/own/disable", form).location == "/admin/schedule?notice=done")
        #expect(try await browser.get("/admin/schedule").text.contains("/admin/schedule/entry/own/enable"))
        #expect(try await browser.post("/admin/schedule/entry/own/run", form).location == "/admin/schedule?notice=enqueued")
        #expect(try await browser.broker.queueLength("celery") == 1)
        #expect(try await browser.get("/admin/schedule/entry/own/edit").status == 404)
        #expect(try await browser.post("/admin/schedule/entry/own/remove", form).status == 409)
        #expect(try await browser.post("/admin/schedule/entry/nobody/run", form).status == 404)
    }

    @Test("the ledger is shown and filtered")
    func ledger() async throws {
        let browser = try await browser()
        try await browser.signIn()
        let now = try await browser.broker.serverTime()
        let slot = ScheduledSlot(
            entry: "own", edition: ScheduleEdition(generation: 1, revision: 0), version: "1", instant: now, mark: nil,
            action: .skip(.catchUp, first: now, count: 1))
        _ = try await browser.broker.fire(slot)
        #expect(try await browser.get("/admin/schedule/ledger").text.contains("missed, and not made good"))
        #expect(try await !browser.get("/admin/schedule/ledger?outcome=fired").text.contains("missed, and not made good"))
        #expect(try await browser.get("/admin/schedule/entry/own").text.contains("missed, and not made good"))
    }

    @Test("a viewer looks and changes nothing")
    func viewer() async throws {
        let browser = try await browser()
        let token = try await browser.signIn("vic")
        #expect(try await !browser.get("/admin/schedule").text.contains("/disable"))
        #expect(try await browser.get("/admin/schedule/new").status == 403)
        for action in ["enable", "disable", "run", "remove"] {
            #expect(try await browser.post("/admin/schedule/entry/own/\(action)", ["csrf": token]).status == 403)
        }
        #expect(try await browser.post("/admin/schedule/save", ["csrf": token, "name": "e", "definition": berlin, "revision": "0"]).status == 403)
    }

    @Test("every reason and outcome has words", arguments: Language.allCases)
    func words(language: Language) {
        let keys = SlotRecord.Reason.allCases.map { "reason_\($0.rawValue)" } + SlotRecord.Outcome.allCases.map { "outcome_\($0.rawValue)" }
        for key in keys + ScheduleListing.Source.allCases.map({ "source_\($0.rawValue)" }) { #expect(Texts.text(key, language) != key) }
    }
}
