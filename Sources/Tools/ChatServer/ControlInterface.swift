import Foundation

/// What tests and the page do in the place of people: write, press, block, look; and faults on demand.
struct ControlInterface: Sendable {
    typealias Answer = (status: Int, json: JSONValue)

    let hub: ChatHub

    func command(_ name: String, _ fields: JSONValue) async -> Answer {
        switch name {
        case "message": await message(fields)
        case "press": await press(fields)
        case "my_chat_member": await membership(fields)
        case "user": await user(fields)
        case "fault": await fault(fields)
        default: Self.refused(404, "no such command: \(name); there are message, press, my_chat_member, user, fault")
        }
    }

    private static func refused(_ status: Int, _ description: String) -> Answer {
        (status, ["ok": false, "description": .string(description)])
    }

    /// The chat of a command. Without one the user's id is it: a private chat.
    private static func chat(_ fields: JSONValue) -> Int64? {
        guard let id = fields["chat_id"]?.integer ?? fields["user"]?["id"]?.integer, id != 0 else { return nil }
        return id
    }

    /// `{chat_id, user, text}` → `{ok, message_id, update_id}`
    private func message(_ fields: JSONValue) async -> Answer {
        guard let chat = Self.chat(fields) else { return Self.refused(400, "chat_id must be an integer other than 0") }
        guard let text = fields["text"]?.string?.trimmingCharacters(in: .whitespacesAndNewlines), !text.isEmpty else {
            return Self.refused(400, "text must not be empty")
        }
        // An app cuts what is longer into several messages; a test shall see it instead.
        guard text.utf16.count <= ChatWorld.maximumText else { return Self.refused(400, "text must be at most \(ChatWorld.maximumText) UTF-16 units long") }
        let (messageID, updateID) = await hub.with { world, now in
            world.receive(text, from: world.actor(fields["user"], in: chat), in: chat, now: now)
        }
        return (200, .members(["ok": true, "message_id": .int(messageID), "update_id": updateID.map { .int($0) }]))
    }

    /// `{chat_id, button, message_id?, user?}` → `{ok, message_id, callback_query_id}`; a button with a link answers `{ok, message_id, url}`.
    private func press(_ fields: JSONValue) async -> Answer {
        guard let chat = Self.chat(fields) else { return Self.refused(400, "chat_id must be an integer other than 0") }
        if let data = fields["data"]?.string { return await forge(data, fields, chat) }
        guard let name = fields["button"]?.string, !name.isEmpty else { return Self.refused(400, "button must be the text or the callback_data of a button") }
        return await hub.with { world, now in
            guard let found = Self.find(name, in: world.chats[chat], messageID: fields["message_id"]?.integer) else {
                let known = (world.chats[chat]?.messages ?? []).flatMap { $0.keyboard?.buttons ?? [] }.compactMap { $0["text"]?.string }
                return Self.refused(404, "no message of chat \(chat) has a button «\(name)»; there are: \(known.suffix(20).joined(separator: ", "))")
            }
            if let address = found.button["url"] { return (200, ["ok": true, "message_id": .int(found.message.id), "url": address]) }
            let (query, update) = world.press(
                found.button["callback_data"]?.string ?? "", on: found.message, by: world.actor(fields["user"], in: chat), in: chat, now: now)
            return (
                200,
                .members([
                    "ok": true, "message_id": .int(found.message.id), "callback_query_id": .string(query), "update_id": update.map { .int($0) },
                ])
            )
        }
    }

    /// `{chat_id, data, message_id?}`: a press that no app would send, on a message of the bot, whatever buttons it has.
    private func forge(_ data: String, _ fields: JSONValue, _ chat: Int64) async -> Answer {
        await hub.with { world, now in
            let wanted = fields["message_id"]?.integer
            guard let message = world.chats[chat]?.messages.last(where: { $0.from.isBot && (wanted == nil || $0.id == wanted) }) else {
                return Self.refused(404, "the bot has not written such a message in chat \(chat)")
            }
            let query = world.press(data, on: message, by: world.actor(fields["user"], in: chat), in: chat, now: now).queryID
            return (200, ["ok": true, "message_id": .int(message.id), "callback_query_id": .string(query)])
        }
    }

    private static func find(_ name: String, in chat: Chat?, messageID: Int64?) -> (message: ChatMessage, button: JSONValue)? {
        guard let chat, let messageID else { return chat?.newest(button: name) }
        guard let index = chat.index(of: messageID) else { return nil }
        var only = Chat(id: chat.id)
        only.messages = [chat.messages[index]]
        return only.newest(button: name)
    }

    /// `{chat_id, user?, status: member|administrator|kicked|left}`
    private func membership(_ fields: JSONValue) async -> Answer {
        guard let chat = Self.chat(fields) else { return Self.refused(400, "chat_id must be an integer other than 0") }
        guard let status = fields["status"]?.string.flatMap(Chat.BotStatus.init) else {
            return Self.refused(400, "status must be member, administrator, kicked or left")
        }
        await hub.with { world, now in
            world.setMembership(status, in: chat, by: world.actor(fields["user"], in: chat), now: now)
        }
        return (200, ["ok": true])
    }

    /// `{user: {id?, first_name, language_code?}}`: somebody with a private chat, without writing yet.
    private func user(_ fields: JSONValue) async -> Answer {
        let id = Self.chat(fields) ?? Int64.random(in: 100_000...999_999_999)
        guard id > 0, let value = fields["user"], let user = ChatUser(value, id: id) else {
            return Self.refused(400, "user must be a name, or an object with first_name; its id must be positive")
        }
        await hub.with { world, _ in world.join(user, id) }
        return (200, ["ok": true, "chat_id": .int(id), "user": user.json])
    }

    /// `{method, status, retry_after?, times?, chat_id?, after?, delay?, description?, migrate_to_chat_id?}`; `times: 0` takes it back.
    private func fault(_ fields: JSONValue) async -> Answer {
        do {
            await hub.add(try Fault(fields))
            return (200, ["ok": true])
        } catch {
            return Self.refused(400, (error as? BotAPIError)?.description ?? "no fault")
        }
    }

    func overview() async -> Answer { (200, await hub.world.overview()) }

    func chat(_ id: String?) async -> Answer {
        guard let id = id.flatMap({ Int64($0) }) else { return Self.refused(400, "a chat's id is an integer") }
        // Nobody wrote yet: a chat without messages, so that a test may look before it writes.
        return (200, await hub.world.view(of: id) ?? ["chat_id": .int(id), "messages": [], "users": [], "answers": []])
    }

    func calls(since: String?) async -> Answer {
        let log = await hub.log
        return (200, ["calls": .array(log.since(since.flatMap { Int64($0) } ?? 0)), "next": .int(log.next)])
    }

    func breaches() async -> Answer { (200, ["breaches": .array(await hub.log.breaches)]) }
}
