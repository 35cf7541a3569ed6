import HTTPTypes
import Hummingbird
import PriceWatchModel

extension AdminPanel {
    /// The login form. Its token is bound to a cookie of its own: there is no session yet.
    func loginPage(_ page: AdminRequest, failed: Bool = false) -> Response {
        let token = Tokens.make()
        let values: [String: Any] = [
            "csrf": Tokens.csrf(of: token), "next": Self.safe(page.query["next"] ?? page.form["next"]), "failed": failed, "name": page.form["name"] ?? "",
        ]
        var response = renderer.page(
            "login", values, title: Texts.text("signIn", page.language), for: page, signedIn: nil, status: failed ? .unauthorized : .ok)
        response.headers.append(HTTPField(name: .setCookie, value: cookie(Self.loginCookie, token, maxAge: 3600)))
        return response
    }

    /// Signs in with a new session, whatever cookie the browser came with (no fixation).
    func signIn(_ page: AdminRequest) async throws -> Response {
        guard let loginToken = page.cookies[Self.loginCookie], Tokens.isRight(page.form["csrf"], for: loginToken) else { throw PageFault.csrf }
        let name = (page.form["name"] ?? "").trimmingBlanks
        let keys = ["name:" + name.lowercased(), "address:" + page.address]
        let actor = AdminActor(name: String(name.prefix(100)), address: page.address)
        guard !throttle.isHeldBack(keys), !name.isEmpty, name.count <= 100,
            let account = try await services.accounts.authenticate(name: name, password: page.form["password"] ?? "")
        else {
            throttle.failed(keys)
            try await services.tables.record(action: "login_failed", target: "admin", detail: nil, by: actor)
            return loginPage(page, failed: true)
        }
        throttle.succeeded(keys)
        let token = Tokens.make()
        try await services.sessions.openSession(tokenHash: Tokens.hash(token), account: account.id)
        try await services.tables.record(action: "login", target: "admin", detail: nil, by: AdminActor(name: account.name, address: page.address))
        return PageRenderer.redirect(
            Self.safe(page.form["next"]), cookies: [cookie(Self.sessionCookie, token, maxAge: nil), cookie(Self.loginCookie, "", maxAge: 0)])
    }

    /// Ends the session at the server, not only in the browser.
    func signOut(_ page: AdminRequest, _ signedIn: SignedIn) async throws -> Response {
        try await services.sessions.closeSession(tokenHash: Tokens.hash(signedIn.token))
        try await services.tables.record(action: "logout", target: "admin", detail: nil, by: actor(page, signedIn))
        return PageRenderer.redirect("/admin/login", cookies: [cookie(Self.sessionCookie, "", maxAge: 0)])
    }

    private func cookie(_ name: String, _ value: String, maxAge: Int?) -> String {
        "\(name)=\(value); Path=/admin; HttpOnly; SameSite=Lax" + (maxAge.map { "; Max-Age=\($0)" } ?? "") + (secureCookies ? "; Secure" : "")
    }
}
