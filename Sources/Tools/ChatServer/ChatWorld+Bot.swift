import Foundation

/// getMe, the commands, the webhook, getChat and getChatMember.
extension ChatWorld {
    var me: JSONValue {
        guard case .object(var members) = bot.json else { return .null }
        members["can_join_groups"] = true
        members["can_read_all_group_messages"] = false
        members["supports_inline_queries"] = false
        return .object(members)
    }

    /// Commands are kept per scope and language.
    private func commandKey(_ parameters: BotAPIParameters) throws -> String {
        let scope = try parameters.structure("scope")
        return [scope?["type"]?.string ?? "default", scope?["chat_id"]?.text ?? "", parameters.text("language_code") ?? ""].joined(separator: ":")
    }

    mutating func setMyCommands(_ parameters: BotAPIParameters) throws -> JSONValue {
        guard let list = try parameters.structure("commands")?.array else { throw BotAPIError.breach("can't parse commands JSON object") }
        if list.count > 100 { throw BotAPIError.breach("BOT_COMMANDS_TOO_MUCH") }
        for entry in list {
            let name = entry["command"]?.string?.drop(while: { $0 == "/" }) ?? ""
            let description = entry["description"]?.string ?? ""
            guard (1...32).contains(name.count), name.allSatisfy({ "abcdefghijklmnopqrstuvwxyz0123456789_".contains($0) }) else {
                throw BotAPIError.breach("BOT_COMMAND_INVALID")
            }
            guard (1...256).contains(description.utf16.count) else { throw BotAPIError.breach("BOT_COMMAND_DESCRIPTION_INVALID") }
        }
        commands[try commandKey(parameters)] = .array(list)
        announce("commands", chat: 0, ["commands": .object(commands)])
        return true
    }

    func getMyCommands(_ parameters: BotAPIParameters) throws -> JSONValue {
        commands[try commandKey(parameters)] ?? []
    }

    mutating func setWebhook(_ parameters: BotAPIParameters) throws -> JSONValue {
        let address = parameters.text("url") ?? ""
        if address.isEmpty { return deleteWebhook(parameters) }
        guard let url = URL(string: address), let host = url.host, !host.isEmpty else {
            throw BotAPIError.breach("bad webhook: invalid webhook URL specified")
        }
        // Telegram wants HTTPS on a few ports; a bot on this machine has neither, so loopback addresses may be plain.
        let isLocal = ["127.0.0.1", "localhost", "::1", "[::1]"].contains(host)
        if !isLocal {
            if url.scheme != "https" { throw BotAPIError.breach("bad webhook: An HTTPS URL must be provided for webhook") }
            if let port = url.port, ![443, 80, 88, 8443].contains(port) {
                throw BotAPIError.breach("bad webhook: Webhook can be set up only on ports 80, 88, 443 or 8443")
            }
        }
        let secret = parameters.text("secret_token")
        if let secret, !(1...256).contains(secret.utf8.count) || !secret.allSatisfy({ $0.isASCII && ($0.isLetter || $0.isNumber || $0 == "_" || $0 == "-") }) {
            throw BotAPIError.breach("secret token contains unallowed characters")
        }
        if parameters.flag("drop_pending_updates") { updates.drop() }
        if let kinds = try parameters.structure("allowed_updates")?.array { updates.allow(kinds.compactMap(\.string)) }
        webhook = Webhook(url: address, secret: secret, maxConnections: min(max(parameters.integer("max_connections") ?? 40, 1), 100))
        return true
    }

    mutating func deleteWebhook(_ parameters: BotAPIParameters) -> JSONValue {
        if parameters.flag("drop_pending_updates") { updates.drop() }
        webhook = nil
        return true
    }

    var webhookInfo: JSONValue {
        .members([
            "url": .string(webhook?.url ?? ""), "has_custom_certificate": false, "pending_update_count": .int(Int64(updates.pending.count)),
            "max_connections": webhook.map { .int($0.maxConnections) }, "last_error_date": webhook?.lastErrorDate.map { .int($0) },
            "last_error_message": webhook?.lastErrorMessage.map { .string($0) },
        ])
    }

    func getChat(_ parameters: BotAPIParameters) throws -> JSONValue {
        guard let chat = chats[try knownChat(parameters)] else { throw BotAPIError.refused("chat not found") }
        return chat.json
    }

    func getChatMember(_ parameters: BotAPIParameters) throws -> JSONValue {
        guard let chat = chats[try knownChat(parameters)] else { throw BotAPIError.refused("chat not found") }
        guard let id = parameters.integer("user_id") else { throw BotAPIError.breach("user_id is empty") }
        if id == bot.id { return ["user": bot.json, "status": .string(chat.botStatus.rawValue)] }
        guard let index = chat.members.firstIndex(where: { $0.id == id }) else { throw BotAPIError.refused("member not found") }
        // Who wrote first in a group owns it.
        return ["user": chat.members[index].json, "status": !chat.isPrivate && index == 0 ? "creator" : "member"]
    }
}
