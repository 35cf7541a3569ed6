import Foundation
import HTTPFetch
import ServiceLifecycle

/// The Bot API's front: takes a call by the name of its method, meets the faults that a test asked for, logs, and answers as Telegram does.
struct BotAPI: Sendable {
    /// What goes back over HTTP; `nil` instead of it means: drop the connection.
    struct Answer: Sendable {
        var status: Int
        var json: JSONValue
    }

    let hub: ChatHub
    let fetcher: HTTPFetcher
    let token: String

    func answer(_ method: String, token: String, parameters: Result<BotAPIParameters, BotAPIError>) async -> Answer? {
        guard token == self.token else { return Answer(status: 401, json: BotAPIError.unauthorized.json) }
        let name = method.lowercased()
        do {
            let parameters = try parameters.get()
            let fault = await hub.fault(for: name, chat: parameters.integer("chat_id"))
            if let fault { return await meet(fault, method, parameters) }
            return await perform(method, parameters)
        } catch {
            return Answer(status: error.status, json: error.json)
        }
    }

    private func meet(_ fault: Fault, _ method: String, _ parameters: BotAPIParameters) async -> Answer? {
        if fault.isAfter { _ = await perform(method, parameters) }
        if fault.delay > 0 { try? await Task.sleep(for: .seconds(fault.delay)) }
        await hub.record(method, parameters, status: fault.status, answer: fault.error.json, isBreach: false)
        return fault.status == 0 ? nil : Answer(status: fault.status, json: fault.error.json)
    }

    private func perform(_ method: String, _ parameters: BotAPIParameters) async -> Answer {
        let answer: Answer
        var isBreach = false
        do {
            let result = try await result(method.lowercased(), await resolved(parameters, for: method.lowercased()))
            answer = Answer(status: 200, json: ["ok": true, "result": result])
        } catch let error as BotAPIError {
            answer = Answer(status: error.status, json: error.json)
            isBreach = error.isBreach
        } catch {
            answer = Answer(status: 500, json: BotAPIError(status: 500, description: "Internal Server Error").json)
        }
        await hub.record(method, parameters, status: answer.status, answer: answer.json, isBreach: isBreach)
        return answer
    }

    private func result(_ method: String, _ parameters: BotAPIParameters) async throws -> JSONValue {
        switch method {
        case "getupdates": try await updates(parameters)
        case "getme": await hub.world.me
        case "setwebhook": try await hub.with { world, _ in try world.setWebhook(parameters) }
        case "deletewebhook": await hub.with { world, _ in world.deleteWebhook(parameters) }
        case "getwebhookinfo": await hub.world.webhookInfo
        case "sendmessage": try await hub.with { world, now in try world.sendMessage(parameters, now: now) }
        case "sendphoto": try await hub.with { world, now in try world.sendPhoto(parameters, now: now) }
        case "senddocument": try await hub.with { world, now in try world.sendDocument(parameters, now: now) }
        case "sendchataction": try await hub.with { world, _ in try world.sendChatAction(parameters) }
        case "answercallbackquery": try await hub.with { world, now in try world.answerCallbackQuery(parameters, now: now) }
        case "editmessagetext": try await hub.with { world, now in try world.editMessageText(parameters, now: now) }
        case "editmessagecaption": try await hub.with { world, now in try world.editMessageCaption(parameters, now: now) }
        case "editmessagereplymarkup": try await hub.with { world, now in try world.editMessageReplyMarkup(parameters, now: now) }
        case "deletemessage": try await hub.with { world, now in try world.deleteMessage(parameters, now: now) }
        case "setmycommands": try await hub.with { world, _ in try world.setMyCommands(parameters) }
        case "getmycommands": try await hub.world.getMyCommands(parameters)
        case "getchat": try await hub.world.getChat(parameters)
        case "getchatmember": try await hub.world.getChatMember(parameters)
        default: throw BotAPIError.unknownMethod
        }
    }

    /// A poll that waits ends when the server stops.
    private func updates(_ parameters: BotAPIParameters) async throws -> JSONValue {
        let hub = hub
        return try await withGracefulShutdownHandler {
            try await hub.updates(parameters)
        } onGracefulShutdown: {
            Task { await hub.close() }
        }
    }

    /// Photos and documents may be named by their address; the bytes are fetched here, as Telegram's servers would.
    private func resolved(_ parameters: BotAPIParameters, for method: String) async throws -> BotAPIParameters {
        let names = ["sendphoto": "photo", "senddocument": "document"]
        guard let name = names[method], let address = parameters.text(name), address.lowercased().hasPrefix("http") else { return parameters }
        let failure = BotAPIError.refused("failed to get HTTP URL content")
        guard let response = try? await fetcher.fetch(FetchRequest(url: address)), (200..<300).contains(response.status) else { throw failure }
        let bytes = Data(response.body)
        if name == "photo", PictureCheck.read(response.body) == nil { throw BotAPIError.refused("wrong type of the web page content") }
        var resolved = parameters
        resolved.attach(UploadedFile(name: URL(string: address)?.lastPathComponent ?? name, bytes: bytes), as: name)
        return resolved
    }
}
