/// What of a world outlives the server: chats with their messages, updates that wait, commands. Pressed buttons and the webhook do not.
struct ChatSnapshot: Codable, Sendable {
    var chats: [Chat]
    var updates: UpdateQueue
    var commands: [String: JSONValue]
    var nextQueryID: Int64
    /// Their bytes lie beside the snapshot.
    var files: [StoredFile]
}

extension ChatWorld {
    var snapshot: ChatSnapshot {
        ChatSnapshot(chats: order.compactMap { chats[$0] }, updates: updates, commands: commands, nextQueryID: nextQueryID, files: files.all)
    }

    /// Takes over what an earlier run knew.
    mutating func restore(_ snapshot: ChatSnapshot) {
        for chat in snapshot.chats {
            chats[chat.id] = chat
            order.append(chat.id)
        }
        updates = snapshot.updates
        commands = snapshot.commands
        nextQueryID = max(nextQueryID, snapshot.nextQueryID)
    }
}
