import ApiumCore
import ApiumInspect
import Hummingbird
import Logging
import PriceWatchModel

/// What the panel works with; the executable chooses the adapters.
public struct AdminServices: Sendable {
    /// The tables.
    public var tables: any AdminTables
    /// Who may sign in.
    public var accounts: any AdminAccounts
    /// Who is signed in.
    public var sessions: any AdminSessions
    /// The jobs.
    public var apium: ApiumClient
    /// Enqueues a check of a product's price; the panel knows no job's name.
    public var checkNow: @Sendable (Int64) async throws -> Void
    /// Looks at the jobs.
    public var inspector: Inspector
    /// The queues that are shown before anybody has declared them.
    public var queues: [String]

    /// Makes the services.
    public init(
        tables: any AdminTables, accounts: any AdminAccounts, sessions: any AdminSessions, apium: ApiumClient, inspector: Inspector, queues: [String],
        checkNow: @escaping @Sendable (Int64) async throws -> Void
    ) {
        self.tables = tables
        self.accounts = accounts
        self.sessions = sessions
        self.apium = apium
        self.inspector = inspector
        self.queues = queues
        self.checkNow = checkNow
    }
}

/// The admin panel: answers everything under `/admin`.
///
/// Every page but the login needs a session; every change is a POST with the session's form token; a viewer changes nothing.
public struct AdminPanel: Sendable {
    let services: AdminServices
    let renderer: PageRenderer
    let throttle = LoginThrottle()
    /// What the jobs' pages show, read once for all who look.
    let live: LiveDesk
    let streams = StreamSeats()
    /// How long a stream rests between two looks.
    var streamInterval = LiveStream.interval
    /// Whether cookies are sent over https only.
    let secureCookies: Bool
    /// A session ends when it was not used for this long.
    let idle = Duration.seconds(2 * 3600)
    /// And this long after signing in, used or not.
    let age = Duration.seconds(12 * 3600)

    static let sessionCookie = "pricewatch_admin"
    static let loginCookie = "pricewatch_login"

    /// Makes the panel.
    ///
    /// - Parameter publicURL: as users see the site; with `https` cookies are `Secure`.
    public init(services: AdminServices, publicURL: String) throws {
        self.services = services
        live = LiveDesk(inspector: services.inspector, queues: services.queues)
        renderer = try PageRenderer()
        secureCookies = publicURL.lowercased().hasPrefix("https:")
    }

    /// Answers a request below `/admin`. Never throws: every fault is a page.
    ///
    /// - Parameter address: the browser's address; behind nginx the header `X-Real-IP`, which nginx always sets itself.
    public func respond(to request: Request, address: String, logger: Logger) async -> Response {
        guard let page = try? await AdminRequest(request, address: address) else { return await respondToDamaged(request, address) }
        var signedIn: SignedIn?
        do {
            signedIn = try await session(page)
            return try await route(page, signedIn)
        } catch let fault as PageFault {
            return message(fault.rawValue, page, signedIn, status: fault.status)
        } catch let refusal as AdminRefusal {
            let fault: PageFault = refusal == .conflict ? .conflict : refusal == .gone ? .notFound : refusal == .notEditable ? .forbidden : .badRequest
            return message(fault.rawValue, page, signedIn, status: fault.status)
        } catch let error as ApiumError where error.code == .notPermitted {
            logger.error(
                "An admin page asked what the broker's user may not do", metadata: ["path": "\(page.path.joined(separator: "/"))", "error": "\(error)"])
            return message("notPermitted", page, signedIn, status: .internalServerError)
        } catch {
            logger.error("An admin page failed", metadata: ["path": "\(page.path.joined(separator: "/"))", "error": "\(error)"])
            return message(PageFault.unavailable.rawValue, page, signedIn, status: .serviceUnavailable)
        }
    }

    private func respondToDamaged(_ request: Request, _ address: String) async -> Response {
        do {
            _ = try await AdminRequest(request, address: address)
        } catch let fault as PageFault {
            return PageRenderer.response(Texts.text(fault.rawValue, .english), type: "text/plain; charset=utf-8", status: fault.status)
        } catch {}
        return PageRenderer.response(Texts.text("badRequest", .english), type: "text/plain; charset=utf-8", status: .badRequest)
    }

    private func session(_ page: AdminRequest) async throws -> SignedIn? {
        guard let token = page.cookies[Self.sessionCookie], token.utf8.count == 64 else { return nil }
        guard let account = try await services.sessions.session(tokenHash: Tokens.hash(token), idle: idle, age: age) else { return nil }
        return SignedIn(account: account, token: token)
    }

    private func route(_ page: AdminRequest, _ signedIn: SignedIn?) async throws -> Response {
        switch page.path.first {
        case "static" where page.path == ["static", "admin.css"]: return PageRenderer.styleSheet
        case "static" where page.path == ["static", "jobs.js"]: return PageRenderer.script
        case "login" where page.path.count == 1: return page.isPost ? try await signIn(page) : loginPage(page)
        case "language" where page.path.count == 1: return try switchLanguage(page)
        default: break
        }
        guard let signedIn else {
            if page.isPost { throw PageFault.forbidden }
            // A proxy takes headers of a few kilobytes.
            let next = FormText.encode(page.location)
            return PageRenderer.redirect("/admin/login" + (next.utf8.count <= 2000 ? "?next=" + next : ""))
        }
        if page.isPost, !Tokens.isRight(page.form["csrf"], for: signedIn.token) { throw PageFault.csrf }
        switch page.path.first {
        case nil: return try await overview(page, signedIn)
        case "logout" where page.isPost && page.path.count == 1: return try await signOut(page, signedIn)
        case "jobs": return try await jobs(page, signedIn)
        case "schedule": return try await schedule(page, signedIn)
        case let name?:
            guard let resource = Resource.named(name) else { throw PageFault.notFound }
            return try await TablePages(panel: self, resource: resource, page: page, signedIn: signedIn).respond()
        }
    }

    /// A page with one sentence.
    func message(_ key: String, _ page: AdminRequest, _ signedIn: SignedIn?, status: HTTPResponse.Status) -> Response {
        let text = Texts.text(key, page.language)
        return renderer.page("message", ["text": text], title: text, for: page, signedIn: signedIn, status: status)
    }

    func actor(_ page: AdminRequest, _ signedIn: SignedIn) -> AdminActor { AdminActor(name: signedIn.account.name, address: page.address) }

    private func overview(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        var tiles: [[String: Any]] = []
        for resource in Resource.all {
            let total = try await services.tables.list(resource.table, AdminQuery(limit: 1)).total
            tiles.append(["href": "/admin/\(resource.name)", "label": Texts.text(resource.name, page.language), "count": String(total)])
        }
        return renderer.page("overview", ["tiles": tiles], title: Texts.text("overview", page.language), for: page, signedIn: signedIn)
    }

    /// The one change without a session: it only sets the visitor's own cookie, and leads back into the panel.
    private func switchLanguage(_ page: AdminRequest) throws -> Response {
        guard let language = page.query["to"].flatMap(PriceWatchModel.Language.init(rawValue:)) else { throw PageFault.badRequest }
        let cookie = "pricewatch_language=\(language.rawValue); Path=/admin; Max-Age=31536000; SameSite=Lax" + (secureCookies ? "; Secure" : "")
        return PageRenderer.redirect(Self.safe(page.query["next"]), cookies: [cookie])
    }

    /// Where to go next: a path of this panel, never another site (`//evil`, `/\evil`, `https:`).
    static func safe(_ next: String?) -> String {
        guard let next, next == "/admin" || next.hasPrefix("/admin/") || next.hasPrefix("/admin?"), next.utf8.count < 1_000,
            next.utf8.allSatisfy({ $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\\") })
        else { return "/admin" }
        return next
    }
}
