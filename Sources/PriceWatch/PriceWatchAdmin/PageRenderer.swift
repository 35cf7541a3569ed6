import HTTPTypes
import Hummingbird
import Mustache
import NIOCore
import PriceWatchModel

/// Turns values into pages. Templates are compiled once, at start; everything they show is escaped.
struct PageRenderer: Sendable {
    private let library: MustacheLibrary

    /// Compiles the templates.
    ///
    /// - Throws: the parser's error when one is damaged, which a test would have seen.
    init() throws {
        let texts: [(String, [UInt8])] = [
            ("layout", PackageResources.layout_mustache), ("login", PackageResources.login_mustache), ("overview", PackageResources.overview_mustache),
            ("list", PackageResources.list_mustache), ("form", PackageResources.form_mustache), ("confirm", PackageResources.confirm_mustache),
            ("jobs", PackageResources.jobs_mustache), ("message", PackageResources.message_mustache),
            ("schedule", PackageResources.schedule_mustache), ("schedule_entry", PackageResources.schedule_entry_mustache),
            ("jobs_list", PackageResources.jobs_list_mustache), ("jobs_story", PackageResources.jobs_story_mustache),
            ("jobs_edit", PackageResources.jobs_edit_mustache), ("jobs_confirm", PackageResources.jobs_confirm_mustache),
            ("jobs_doctor", PackageResources.jobs_doctor_mustache),
            ("schedule_form", PackageResources.schedule_form_mustache), ("schedule_ledger", PackageResources.schedule_ledger_mustache),
        ]
        var templates: [String: MustacheTemplate] = [:]
        PageContentType.register()
        for (name, bytes) in texts {
            templates[name] = try MustacheTemplate(string: PageContentType.pragma + String(decoding: bytes, as: UTF8.self))
        }
        library = MustacheLibrary(templates: templates)
    }

    /// A page in the panel's frame.
    func page(
        _ template: String, _ values: [String: Any?], title: String, for request: AdminRequest, signedIn: SignedIn?, status: HTTPResponse.Status = .ok
    ) -> Response {
        let texts = Texts.table(request.language)
        // To the template engine an absent key is false, and a nil inside of Any is not.
        var values = values.compactMapValues { $0 }
        values["t"] = texts
        values["csrf"] = signedIn?.csrf ?? values["csrf"] ?? ""
        let content = library.render(values, withTemplate: template) ?? ""
        let menu = Resource.all.map {
            ["href": "/admin/\($0.name)", "label": texts[$0.name] ?? $0.name, "current": request.path.first == $0.name] as [String: Any]
        }
        let frame: [String: Any] = [
            "t": texts, "title": title, "lang": request.language.rawValue, "otherLanguage": request.language == .russian ? "en" : "ru", "content": content,
            "menu": menu, "signedIn": signedIn != nil, "account": signedIn?.account.name ?? "", "csrf": signedIn?.csrf ?? "", "location": request.location,
            "viewer": signedIn.map { !$0.canEdit } ?? false, "onOverview": request.path.isEmpty, "onJobs": request.path.first == "jobs",
            "onSchedule": request.path.first == "schedule", "style": Self.styleVersion, "script": template == "jobs" ? Self.scriptVersion : false,
        ]
        return Self.response(library.render(frame, withTemplate: "layout") ?? "", type: "text/html; charset=utf-8", status: status)
    }

    /// The style sheet.
    static var styleSheet: Response { asset(PackageResources.admin_css, "text/css; charset=utf-8") }
    /// The script of the jobs' board.
    static var script: Response { asset(PackageResources.jobs_js, "text/javascript; charset=utf-8") }
    // In the addresses of both, so that no page meets those of another release in a cache.
    private static let styleVersion = version(of: PackageResources.admin_css)
    private static let scriptVersion = version(of: PackageResources.jobs_js)

    private static func version(of bytes: [UInt8]) -> String {
        Tokens.hash(String(decoding: bytes, as: UTF8.self)).prefix(4).map { String($0) }.joined(separator: "-")
    }

    private static func asset(_ bytes: [UInt8], _ type: String) -> Response {
        var response = response(String(decoding: bytes, as: UTF8.self), type: type)
        response.headers[.cacheControl] = "max-age=3600"
        return response
    }

    /// Server-sent events, which nothing in between may hold back.
    static func stream(_ body: ResponseBody) -> Response {
        var response = response("", type: "text/event-stream; charset=utf-8")
        response.headers[.contentLength] = nil
        if let field = HTTPField.Name("X-Accel-Buffering") { response.headers[field] = "no" }
        response.body = body
        return response
    }

    /// An answer with the headers that every page has: nothing from elsewhere, no frame, no guessing of types, no caching.
    static func response(_ text: String, type: String, status: HTTPResponse.Status = .ok) -> Response {
        var headers = HTTPFields()
        headers[.contentType] = type
        headers[.cacheControl] = "no-store"
        for (name, value) in [
            (
                "Content-Security-Policy",
                "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self' https: http:; form-action 'self'; frame-ancestors 'none'; base-uri 'none'"
            ), ("X-Frame-Options", "DENY"), ("X-Content-Type-Options", "nosniff"), ("Referrer-Policy", "same-origin"),
        ] {
            if let field = HTTPField.Name(name) { headers[field] = value }
        }
        let buffer = ByteBuffer(string: text)
        headers[.contentLength] = String(buffer.readableBytes)
        return Response(status: status, headers: headers, body: .init(byteBuffer: buffer))
    }

    /// A redirect after a POST.
    static func redirect(_ path: String, cookies: [String] = []) -> Response {
        var response = response("", type: "text/plain; charset=utf-8", status: .seeOther)
        response.headers[.location] = path
        for cookie in cookies { response.headers.append(HTTPField(name: .setCookie, value: cookie)) }
        return response
    }
}
