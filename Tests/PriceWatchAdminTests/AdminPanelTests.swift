import ApiumCore
import Foundation
import PriceWatchModel
import Testing

@testable import PriceWatchAdmin

@Suite("Admin panel")
struct AdminPanelTests {
    private func product(_ id: Int64 = 1, name: String = "Kettle", link: String = "https://shop.test/kettle") -> AdminRow {
        AdminRow(
            id: id, version: "v1",
            values: [
                "id": .integer(id), "name": .text(name), "price_minor": .integer(129_900), "currency": .text("RUB"), "availability": .text("in_stock"),
                "canonical_url": .text(link), "image_url": .null, "failures": .integer(0), "last_failure": .null, "watches": .integer(2),
                "next_check_at": .instant(1_767_225_600_123_456), "created_at": .instant(1_767_225_600_000_000),
            ])
    }

    private func browser(_ rows: [AdminTable: [AdminRow]] = [:], publicURL: String = "http://shop.test") throws -> Browser {
        let browser = try Browser(publicURL: publicURL)
        browser.store.state.withLock { $0.rows = rows }
        return browser
    }

    private let goodForm = [
        "name": "Kettle", "price_minor": "1299.00", "currency": "RUB", "availability": "in_stock", "canonical_url": "https://shop.test/kettle", "image_url": "",
        "next_check_at": "2026-01-01 00:00:00", "version": "v1",
    ]

    // MARK: Signing in

    @Test(
        "without a session every page leads to the login, and a POST is refused", arguments: ["/admin", "/admin/products", "/admin/jobs", "/admin/products/1"])
    func needsSession(path: String) async throws {
        let browser = try browser()
        let page = try await browser.get(path)
        #expect(page.status == 303)
        #expect(page.location == "/admin/login?next=" + FormText.encode(path))
        #expect(try await browser.post(path, [:]).status == 403)
    }

    @Test("signing in opens a new session whatever cookie came along, and signing out ends it at the server")
    func sessionLife() async throws {
        let browser = try browser()
        browser.setCookie(AdminPanel.sessionCookie, String(repeating: "a", count: 64))
        let token = try await browser.signIn()
        let cookie = try #require(browser.cookie(AdminPanel.sessionCookie))
        #expect(cookie != String(repeating: "a", count: 64))
        #expect(try await browser.get("/admin").status == 200)
        _ = try await browser.post("/admin/logout", ["csrf": token])
        browser.setCookie(AdminPanel.sessionCookie, cookie)
        #expect(try await browser.get("/admin").status == 303, "the old cookie is of no more use")
        #expect(browser.store.state.withLock { $0.records.map(\.action) } == ["login", "logout"])
    }

    @Test("a wrong name and a wrong password get the same answer, and the name is kept in the form")
    func sameAnswer() async throws {
        let browser = try browser()
        var answers: [String] = []
        for (name, password) in [("ann", "wrong"), ("nobody", "right horse")] {
            let login = try await browser.get("/admin/login")
            let page = try await browser.post("/admin/login", ["csrf": login.csrf, "name": name, "password": password])
            #expect(page.status == 401)
            answers.append(page.text.replacingOccurrences(of: name, with: "NAME").replacingOccurrences(of: page.csrf, with: "TOKEN"))
        }
        #expect(answers[0] == answers[1])
    }

    @Test("after several failures a name must wait: further attempts are not even looked at")
    func throttled() async throws {
        let browser = try browser()
        for _ in 0..<8 {
            let login = try await browser.get("/admin/login")
            _ = try await browser.post("/admin/login", ["csrf": login.csrf, "name": "ann", "password": "wrong"])
        }
        #expect(browser.store.state.withLock { $0.authentications } == 5)
    }

    @Test("what lies below the login form is no login, and a long link is not carried along to it")
    func belowLogin() async throws {
        let browser = try browser()
        let login = try await browser.get("/admin/login")
        let fields = ["csrf": login.csrf, "name": "ann", "password": "right horse"]
        #expect(try await browser.post("/admin/login/x", fields).status == 403)
        #expect(browser.store.state.withLock { $0.authentications } == 0)
        let short = try await browser.get("/admin/products?q=tea").headers[.location]
        #expect(short == "/admin/login?next=%2Fadmin%2Fproducts%3Fq%3Dtea")
        #expect(try await browser.get("/admin/products?q=" + String(repeating: "%D0%B0", count: 400)).headers[.location] == "/admin/login")
    }

    @Test("the login form needs the token of its own cookie")
    func loginToken() async throws {
        let browser = try browser()
        #expect(try await browser.post("/admin/login", ["name": "ann", "password": "right horse"]).status == 403)
        _ = try await browser.get("/admin/login")
        #expect(try await browser.post("/admin/login", ["csrf": "0", "name": "ann", "password": "right horse"]).status == 403)
        #expect(browser.store.state.withLock { $0.authentications } == 0)
    }

    @Test("cookies are HttpOnly and SameSite, and Secure when the site is https")
    func cookies() async throws {
        for (url, secure) in [("http://shop.test", false), ("https://shop.test", true)] {
            let cookie = try #require(try await browser(publicURL: url).get("/admin/login").cookies.first)
            #expect(cookie.contains("HttpOnly"))
            #expect(cookie.contains("SameSite=Lax"))
            #expect(cookie.contains("; Secure") == secure)
        }
    }

    @Test(
        "after signing in the browser goes to a page of the panel only",
        arguments: [
            ("/admin/products?q=a", "/admin/products?q=a"), ("//evil.test", "/admin"), ("/\\evil.test", "/admin"), ("https://evil.test", "/admin"),
            ("/adminevil", "/admin"), ("/admin/\r\nSet-Cookie: a=b", "/admin"), ("", "/admin"),
        ])
    func openRedirect(next: String, expected: String) { #expect(AdminPanel.safe(next) == expected) }

    // MARK: Changing

    @Test("a POST without the session's form token changes nothing")
    func csrf() async throws {
        let browser = try browser([.products: [product()]])
        try await browser.signIn()
        for token in ["", "0", String(repeating: "0", count: 64)] {
            #expect(try await browser.post("/admin/products/1", goodForm.merging(["csrf": token, "name": "Evil"]) { $1 }).status == 403)
            #expect(try await browser.post("/admin/products/1/delete", ["csrf": token, "version": "v1"]).status == 403)
        }
        #expect(browser.store.state.withLock { $0.changes.isEmpty })
    }

    @Test("a form changes what differs, with the actor and the browser's address")
    func update() async throws {
        let browser = try browser([.products: [product()]])
        let token = try await browser.signIn()
        let page = try await browser.post("/admin/products/1", goodForm.merging(["csrf": token, "price_minor": "1199,5"]) { $1 })
        #expect(page.status == 303)
        let change = try #require(browser.store.state.withLock { $0.changes.first })
        #expect(change.changes == ["price_minor": .integer(119_950)])
        #expect(change.actor == AdminActor(name: "ann", address: "192.0.2.7"))
    }

    @Test("faults are shown at their fields and what was typed stays")
    func fieldFaults() async throws {
        let browser = try browser([.products: [product()]])
        let token = try await browser.signIn()
        let form = goodForm.merging(["csrf": token, "price_minor": "0", "canonical_url": "javascript:alert(1)", "currency": "12", "name": "Typed"]) { $1 }
        let page = try await browser.post("/admin/products/1", form)
        #expect(page.status == 422)
        #expect(page.text.contains("value=\"Typed\""))
        #expect(page.text.components(separatedBy: "class=\"fault\"").count == 4)
        #expect(browser.store.state.withLock { $0.changes.isEmpty })
    }

    @Test("what the store refuses is shown: a value that is there already at its field, a conflict as a page")
    func refusals() async throws {
        let browser = try browser([.products: [product()]])
        let token = try await browser.signIn()
        let form = goodForm.merging(["csrf": token, "name": "Other"]) { $1 }
        browser.store.state.withLock { $0.refusal = .notUnique(column: "canonical_url") }
        #expect(try await browser.post("/admin/products/1", form).status == 422)
        browser.store.state.withLock { $0.refusal = .conflict }
        #expect(try await browser.post("/admin/products/1", form).status == 409)
    }

    @Test("a viewer looks and changes nothing, by no address")
    func viewer() async throws {
        let browser = try browser([.products: [product()]])
        let token = try await browser.signIn("vic")
        let page = try await browser.get("/admin/products/1")
        #expect(page.status == 200)
        #expect(!page.text.contains("/delete"))
        for path in ["/admin/products/1", "/admin/products/1/delete", "/admin/products/1/check", "/admin/watches/new", "/admin/jobs/shelf/dead/discard"] {
            #expect(try await browser.post(path, goodForm.merging(["csrf": token, "id": "x"]) { $1 }).status == 403, "\(path)")
        }
        #expect(browser.store.state.withLock { $0.changes.isEmpty })
        #expect(browser.products.all.isEmpty)
    }

    @Test("deleting asks first: the GET shows, the POST deletes")
    func delete() async throws {
        let browser = try browser([.products: [product()]])
        let token = try await browser.signIn()
        #expect(try await browser.get("/admin/products/1/delete").status == 200)
        #expect(browser.store.state.withLock { $0.changes.isEmpty })
        #expect(try await browser.post("/admin/products/1/delete", ["csrf": token, "version": "v1"]).location == "/admin/products?notice=deleted")
        #expect(browser.store.state.withLock { $0.changes.count } == 1)
    }

    @Test("check now enqueues a check and is audited")
    func checkNow() async throws {
        let browser = try browser([.products: [product()]])
        let token = try await browser.signIn()
        #expect(try await browser.post("/admin/products/1/check", ["csrf": token]).status == 303)
        #expect(browser.products.all == [1])
        #expect(browser.store.state.withLock { $0.records.last?.action } == "check_now")
    }

    // MARK: Showing

    @Test("names and links of the world are escaped, and only http links can be followed")
    func escaping() async throws {
        let browser = try browser([.products: [product(name: "<script>alert(1)</script>\"'", link: "javascript:alert(1)")]])
        try await browser.signIn()
        for path in ["/admin/products", "/admin/products/1", "/admin/products/1/delete", "/admin/products?q=%3Cscript%3E"] {
            let page = try await browser.get(path)
            #expect(!page.text.contains("<script"), "\(path)")
            #expect(!page.text.contains("href=\"javascript:"), "\(path)")
        }
    }

    @Test(
        "nothing hides markup from being escaped: a scalar that joins what follows, or a mark on it",
        arguments: ["\u{600}", "\u{D4E}", "\u{111C2}", "\u{200D}", "\u{301}", "\u{FE0F}", "\r"])
    func joined(scalar: String) async throws {
        let hostile = "\(scalar)<meta http-equiv=refresh content=0>\(scalar)\"\(scalar)'\(scalar)"
        let browser = try browser([.products: [product(name: hostile)]])
        try await browser.signIn()
        for path in ["/admin/products", "/admin/products/1", "/admin/products/1/delete"] {
            let bytes = try await browser.get(path).text.utf8
            #expect(!String(bytes.map { $0 < 128 ? Character(Unicode.Scalar($0)) : " " }).contains("<meta http"), "\(path)")
        }
        #expect(!PageText.escaped(hostile).unicodeScalars.contains { ["<", ">", "\"", "'"].contains($0) })
        #expect(!AdminPanel.embedded(.string("\(scalar)</script>\(scalar)")).unicodeScalars.contains("<"))
        #expect(CSV.line(["x\"\(scalar),=1+1,\"\(scalar)", "=\(scalar)1+1"]) == "\"x\"\"\(scalar),=1+1,\"\"\(scalar)\",\"'=\(scalar)1+1\"\r\n")
    }

    @Test("every page forbids frames, foreign content and guessing of types")
    func headers() async throws {
        let page = try await browser().get("/admin/login")
        let policy = try #require(page.headers[.contentSecurityPolicy])
        #expect(policy.contains("default-src 'none'"))
        #expect(policy.contains("frame-ancestors 'none'"))
        #expect(!policy.contains("unsafe"))
        #expect(page.headers[.xContentTypeOptions] == "nosniff")
        #expect(page.headers[.cacheControl] == "no-store")
    }

    @Test("a cell shows its own link or none, and an absent value shows nothing")
    func cells() async throws {
        let browser = try browser([.products: [product()]])
        try await browser.signIn()
        let text = try await browser.get("/admin/products").text
        #expect(text.contains("<td data-label=\"Currency\">RUB</td>"))
        #expect(text.contains("<td data-label=\"Last failure\"></td>"))
        #expect(text.contains("href=\"https://shop.test/kettle\" rel=\"noreferrer noopener\""))
        #expect(!text.contains("nil"))
        #expect(!(try await browser.get("/admin/products/1").text.contains("nil")))
    }

    @Test("lists have pages of fifty, and the search goes along")
    func paging() async throws {
        let browser = try browser([.products: (1...120).map { product(Int64($0)) }])
        try await browser.signIn()
        let page = try await browser.get("/admin/products?page=2&q=ket%20tle")
        #expect(page.text.contains("/admin/products?page=1&amp;q=ket%20tle"))
        #expect(page.text.contains("/admin/products?page=3&amp;q=ket%20tle"))
        #expect(browser.store.state.withLock { $0.lastQuery?.offset } == 50)
        #expect(try await browser.get("/admin/products?page=-7").status == 200)
    }

    @Test("an export cannot be taken for formulas")
    func export() async throws {
        let browser = try browser([.products: [product(name: "=HYPERLINK(\"x\")")]])
        try await browser.signIn()
        let page = try await browser.get("/admin/products/export.csv")
        #expect(page.text.contains("\"'=HYPERLINK(\"\"x\"\")\""))
        #expect(page.headers[.contentDisposition] == "attachment; filename=\"products.csv\"")
    }

    @Test(
        "damaged requests are answered with what is wrong",
        arguments: [
            ("/admin/nosuch", 404), ("/admin/products/abc", 404), ("/admin/products/1/nosuch", 404), ("/admin/%FF", 400), ("/admin/products?q=%ZZ", 400),
            ("/admin/users/new", 404),
        ])
    func damaged(path: String, status: Int) async throws {
        let browser = try browser([.products: [product()]])
        try await browser.signIn()
        let page = try await browser.get(path)
        #expect(page.status == status || (status == 400 && page.status == 404))
    }

    @Test("a body that is no form, and one that is too long, are refused")
    func bodies() async throws {
        let browser = try browser()
        #expect(try await browser.post("/admin/login", ["a": "b"], type: "application/json").status == 415)
        #expect(try await browser.post("/admin/login", ["a": String(repeating: "x", count: 70_000)]).status == 413)
    }

    @Test("every column, table and fault has words in both languages")
    func words() {
        for key in Resource.all.flatMap({ [$0.name] + $0.fields.map(\.column) }) { #expect(Texts.words[key] != nil, "\(key) has no words") }
        for (key, pair) in Texts.words { #expect(!pair.en.isEmpty && !pair.ru.isEmpty, "\(key)") }
    }

    @Test(
        "amounts are read without floating point",
        arguments: [("1299", 2, 129_900), ("1299.5", 2, 129_950), ("1299,05", 2, 129_905), ("7", 0, 7), ("0.001", 3, 1)] as [(String, Int, Int64)])
    func amounts(text: String, exponent: Int, expected: Int64) { #expect(DecimalText.minorUnits(text, exponent: exponent) == expected) }

    @Test("what is no amount above zero is refused", arguments: ["", "0", "0.00", "-1", "1.999", "1e3", "1.", ".5", "１２", "99999999999999999999"])
    func noAmounts(text: String) { #expect(DecimalText.minorUnits(text, exponent: 2) == nil) }
}

@Suite("Lists in the admin's forms")
struct WordFieldTests {
    private let jobs = Field("allowed_jobs", .jobPatterns, editable: true, optional: true)
    private let queues = Field("allowed_queues", .queueNames, editable: true, optional: true)

    @Test("words stand between blanks or commas, are put in order, and kept once")
    func words() throws {
        #expect(try jobs.parse(" b.* , a\n a ", form: { _ in nil }).get() == .text("a b.*"))
        #expect(try queues.parse("reports,checks", form: { _ in nil }).get() == .text("checks reports"))
        #expect(try jobs.parse("  ", form: { _ in nil }).get() == .null)
    }

    @Test("what is no name is refused, with what would be one")
    func refused() {
        #expect(throws: FieldFault.notAJobPattern) { try jobs.parse("a.b ä", form: { _ in nil }).get() }
        #expect(throws: FieldFault.notAQueue) { try queues.parse("checks *", form: { _ in nil }).get() }
        for fault in [FieldFault.notAJobPattern, .notAQueue] {
            for language in Language.allCases { #expect(Texts.text(fault.rawValue, language) != fault.rawValue) }
        }
    }
}
