/// One message of a chat, with what it was before each edit.
struct ChatMessage: Sendable, Equatable, Codable {
    /// What an edit replaced.
    struct Version: Sendable, Equatable, Codable {
        var date: Int64
        var text: FormattedText?
        var keyboard: InlineKeyboard?
    }

    var id: Int64
    var date: Int64
    var from: ChatUser
    /// The text, or the caption of a picture or document.
    var text: FormattedText?
    var photo: StoredFile?
    var document: StoredFile?
    var keyboard: InlineKeyboard?
    var replyTo: Int64?
    var editDate: Int64?
    var edits: [Version] = []

    static let maximumEdits = 50

    var hasFile: Bool { photo != nil || document != nil }

    /// Takes the new content and keeps the old one as a version.
    mutating func edit(text: FormattedText?, keyboard: InlineKeyboard?, now: Int64) {
        edits.append(Version(date: editDate ?? date, text: self.text, keyboard: self.keyboard))
        if edits.count > Self.maximumEdits { edits.removeFirst() }
        self.text = text
        self.keyboard = keyboard
        editDate = now
    }

    /// In the form of the Bot API's Message.
    func json(in chat: JSONValue) -> JSONValue {
        let entities = (text?.entities ?? []).map(\.json)
        return .members([
            "message_id": .int(id), "date": .int(date), "from": from.json, "chat": chat, "edit_date": editDate.map { .int($0) },
            "text": hasFile ? nil : text.map { .string($0.plain) },
            "entities": hasFile || entities.isEmpty ? nil : .array(entities),
            "caption": hasFile ? text.map { .string($0.plain) } : nil,
            "caption_entities": hasFile && !entities.isEmpty ? .array(entities) : nil,
            "photo": photo.map { [$0.json] },
            "document": document?.json,
            "reply_markup": keyboard?.json,
            "reply_to_message": replyTo.map { ["message_id": .int($0), "date": 0, "chat": chat] },
        ])
    }

    /// For the page and for tests: the HTML beside the text, pictures with the address of their bytes, and the edits.
    var view: JSONValue {
        .members([
            "message_id": .int(id), "date": .int(date), "from": from.json,
            "text": .string(text?.plain ?? ""), "html": .string(text?.html ?? ""),
            "photo": photo?.view, "document": document?.view,
            "buttons": keyboard?.rows ?? [],
            "reply_to": replyTo.map { .int($0) },
            "edited": .bool(editDate != nil),
            "edits": .array(
                edits.map {
                    [
                        "date": .int($0.date), "text": .string($0.text?.plain ?? ""), "html": .string($0.text?.html ?? ""),
                        "buttons": $0.keyboard?.rows ?? [],
                    ]
                }),
        ])
    }
}

/// A file that was sent into a chat; its bytes are in ``FileShelf``.
struct StoredFile: Sendable, Equatable, Codable {
    var id: String
    var name: String
    var contentType: String
    var size: Int
    var width: Int?
    var height: Int?

    var json: JSONValue {
        .members([
            "file_id": .string(id), "file_unique_id": .string("u\(id)"), "file_size": .int(Int64(size)), "width": width.map { .int(Int64($0)) },
            "height": height.map { .int(Int64($0)) }, "file_name": width == nil ? .string(name) : nil,
            "mime_type": width == nil ? .string(contentType) : nil,
        ])
    }

    var view: JSONValue {
        .members([
            "file_id": .string(id), "url": .string("files/\(id)"), "name": .string(name), "content_type": .string(contentType), "size": .int(Int64(size)),
            "width": width.map { .int(Int64($0)) }, "height": height.map { .int(Int64($0)) },
        ])
    }
}
