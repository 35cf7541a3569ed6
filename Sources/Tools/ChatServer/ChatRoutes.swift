import Foundation
import HTTPTypes
import Hummingbird
import ServiceLifecycle

/// Which address leads where: the Bot API, the control interface, the page.
struct ChatRoutes: Sendable {
    let hub: ChatHub
    let api: BotAPI
    let control: ControlInterface

    /// A document of 50 MB and its form around it.
    static let maximumBody = 51 * 1024 * 1024

    func router() -> Router<BasicRequestContext> {
        let router = Router()
        for method in [HTTPRequest.Method.get, .post] {
            router.on("bot{token}/{method}", method: method) { request, context in try await bot(request, context) }
        }
        router.post("control/{command}") { request, context in try await command(request, context) }
        router.get("control/chats") { _, _ in await Self.json(control.overview()) }
        router.get("control/chats/{id}") { _, context in await Self.json(control.chat(context.parameters.get("id"))) }
        router.get("control/calls") { request, _ in await Self.json(control.calls(since: request.uri.queryParameters.get("since"))) }
        router.get("control/breaches") { _, _ in await Self.json(control.breaches()) }
        router.get("files/{id}") { _, context in await file(context.parameters.get("id")) }
        router.get("events") { _, _ in await events() }
        router.get("health/live") { _, _ in Self.json((200, ["status": "ok"])) }
        router.get("health/ready") { _, _ in Self.json((200, ["status": "ok"])) }
        router.get("") { _, _ in Self.asset(PackageResources.chat_html, "text/html; charset=utf-8") }
        router.get("chat.css") { _, _ in Self.asset(PackageResources.chat_css, "text/css; charset=utf-8") }
        router.get("chat.js") { _, _ in Self.asset(PackageResources.chat_js, "text/javascript; charset=utf-8") }
        return router
    }

    private func bot(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let token = context.parameters.get("token") ?? ""
        let body = try await request.body.collect(upTo: Self.maximumBody)
        let parameters = Result { () throws -> BotAPIParameters in
            try BotAPIParameters(query: request.uri.query, contentType: request.headers[.contentType], body: Data(buffer: body))
        }
        .mapError { $0 as? BotAPIError ?? .breach("can't parse the request") }
        let answer = await api.answer(context.parameters.get("method") ?? "", token: token.removingPercentEncoding ?? token, parameters: parameters)
        guard let answer else { return Self.cutResponse }
        return Self.json((answer.status, answer.json))
    }

    /// An answer that breaks off: the head promises what never comes.
    private static var cutResponse: Response {
        Response(status: .ok, headers: [.contentType: "application/json"], body: ResponseBody(contentLength: 100) { _ in throw CancellationError() })
    }

    private func command(_ request: Request, _ context: BasicRequestContext) async throws -> Response {
        let body = try await request.body.collect(upTo: 1024 * 1024)
        guard let fields = JSONValue.parse(Data(buffer: body)), case .object = fields else {
            return Self.json((400, ["ok": false, "description": "the body must be a JSON object"]))
        }
        return await Self.json(control.command(context.parameters.get("command") ?? "", fields))
    }

    private func file(_ id: String?) async -> Response {
        guard let found = await hub.world.files.file(id ?? "") else { return Self.json((404, ["ok": false, "description": "no such file"])) }
        return Response(
            status: .ok,
            headers: [.contentType: found.file.contentType, .cacheControl: "private, max-age=86400", .xContentTypeOptions: "nosniff"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: found.bytes)))
    }

    /// Server-sent events, with a comment now and then so that a dead connection is noticed.
    private func events() async -> Response {
        let (id, events) = await hub.look()
        let hub = hub
        return Response(
            status: .ok, headers: [.contentType: "text/event-stream", .cacheControl: "no-store"],
            body: ResponseBody { writer in
                do {
                    try await writer.write(ByteBuffer(string: ": hello\n\n"))
                    for await event in events.cancelOnGracefulShutdown() {
                        try await writer.write(ByteBuffer(bytes: Data("data: ".utf8) + event.encoded + Data("\n\n".utf8)))
                    }
                    await hub.lookedAway(id)
                } catch {
                    await hub.lookedAway(id)
                    throw error
                }
                try await writer.finish(nil)
            })
    }

    static func json(_ answer: (status: Int, json: JSONValue)) -> Response {
        Response(
            status: .init(code: answer.status), headers: [.contentType: "application/json", .cacheControl: "no-store"],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: answer.json.encoded)))
    }

    private static func asset(_ bytes: [UInt8], _ contentType: String) -> Response {
        Response(
            status: .ok,
            headers: [
                .contentType: contentType, .cacheControl: "no-cache", .xContentTypeOptions: "nosniff",
                .contentSecurityPolicy:
                    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; base-uri 'none'; form-action 'none'",
            ],
            body: ResponseBody(byteBuffer: ByteBuffer(bytes: bytes)))
    }
}
