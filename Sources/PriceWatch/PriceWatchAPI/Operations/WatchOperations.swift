import DynamicJSON
import PriceWatchJobs
import PriceWatchModel

/// `/api/v1/watches`. Changes are jobs.
struct WatchOperations {
    var reader: any PriceReader
    var desk: JobDesk

    private let chatID = QueryInput("chat_id", .chatID, as: Int64.self, "Telegram's chat id.")

    init(reader: any PriceReader, desk: JobDesk) {
        self.reader = reader
        self.desk = desk
    }

    var all: [Operation] { [list, add, remove] }

    private var list: Operation {
        Operation(
            .get, "/api/v1/watches", id: "listWatches", tag: "watches", summary: "List what a chat follows", scopes: [.read], errors: [.notFound],
            inputs: chatID,
            OptionalQueryInput("limit", .integer(1...Int64(Limits.page.upperBound)), as: Int.self, default: Limits.page.upperBound, "How many at most."),
            OptionalQueryInput("cursor", .id, as: Int64.self, "`next_cursor` of the page before.")
        ) { call, chat, limit, cursor in
            try call.requireCaller().check(chat: chat)
            let limit = limit ?? Limits.page.upperBound
            let found = try await reader.watches(ofChat: chat, after: cursor, limit: limit + 1)
            let page = Array(found.prefix(limit))
            return Found(WatchList(watches: page, nextCursor: found.count > limit ? page.last?.id : nil))
        }
    }

    private var add: Operation {
        Operation(
            .post, "/api/v1/watches", id: "addWatch", tag: "watches", summary: "Have a chat follow the product behind a link",
            details: "Enqueues the job pricewatch.add_product: 202 at once, or its outcome with `Prefer: wait=N`.", scopes: [.write],
            errors: [.notFound, .unreadablePage, .tooManyWatches, .queueFull], inputs: BodyInput(WatchRequest.self), PreferInput()
        ) { call, request, wait in
            let caller = try call.requireCaller()
            try caller.check(chat: request.chatID)
            let job = AddProduct(chatID: request.chatID, link: request.link, userName: request.userName ?? "", language: request.language)
            let handle = try await desk.enqueue(job, for: caller)
            guard let wait, wait > .zero, let outcome = try await desk.value(of: handle, within: wait) else {
                return AddWatchOutput.accepted(JobView(pending: handle.id))
            }
            switch outcome {
            case .added(let added): return added.isNew ? .created(added.watch) : .existing(added.watch)
            case .unreadable(let failure): throw APIError.unreadable(failure)
            case .tooMany(let limit): throw APIError(.tooManyWatches, "the chat follows \(limit) products, and no more are allowed")
            }
        }
    }

    private var remove: Operation {
        Operation(
            .delete, "/api/v1/watches/{id}", id: "removeWatch", tag: "watches", summary: "Have a chat stop following a product",
            details: "Enqueues the job pricewatch.remove_watch: 202 at once, or 204 when it is done with `Prefer: wait=N`.", scopes: [.write],
            errors: [.notFound, .queueFull], inputs: PathInput("id", .id, as: Int64.self, "The watch's id."), chatID, PreferInput()
        ) { call, id, chat, wait in
            let caller = try call.requireCaller()
            try caller.check(chat: chat)
            guard try await reader.watch(id, ofChat: chat) != nil else { throw Self.notFound }
            let handle = try await desk.enqueue(RemoveWatch(chatID: chat, watchID: id), for: caller)
            guard let wait, wait > .zero, let removed = try await desk.value(of: handle, within: wait) else {
                return RemoveWatchOutput.accepted(JobView(pending: handle.id))
            }
            guard removed else { throw Self.notFound }
            return .removed
        }
    }

    private static var notFound: APIError { APIError(.notFound, "the chat has no such watch", field: "id") }
}

/// The body of `POST /api/v1/watches`.
struct WatchRequest: Codable, Sendable, SchemaProviding {
    var chatID: Int64
    var link: String
    var userName: String?
    var language: Language?

    enum CodingKeys: String, CodingKey {
        case chatID = "chat_id"
        case link
        case userName = "user_name"
        case language
    }

    static let schemaName = "WatchRequest"
    static var schema: Schema {
        .object([
            .required("chat_id", .chatID, "Telegram's chat id."), .required("link", .text(Limits.link), "A link to a product page."),
            .optional("user_name", .text(0...128), "The user's name, for a new user."),
            .optional("language", .choice(Language.allCases.map(\.rawValue)), "The language of a new user."),
        ])
    }
}

/// What becomes of a new watch.
enum AddWatchOutput: OperationOutput {
    case created(Watch)
    case existing(Watch)
    case accepted(JobView)

    static var replies: [ReplyDescription] {
        [
            .json(201, "The chat follows the product now.", .named(Watch.self)), .json(200, "The chat followed the product already.", .named(Watch.self)),
            .json(202, "The job is enqueued, or has not ended in time.", .named(JobView.self), headers: [("Location", "Where to ask for the job.")]),
        ]
    }

    var answer: Answer {
        get throws {
            switch self {
            case .created(let watch): Answer(status: 201, body: .json(try JSONValueEncoder().encode(watch)))
            case .existing(let watch): Answer(status: 200, body: .json(try JSONValueEncoder().encode(watch)))
            case .accepted(let job): try JobOutput.accepted(job)
            }
        }
    }
}

/// What becomes of a watch that is to end.
enum RemoveWatchOutput: OperationOutput {
    case removed
    case accepted(JobView)

    static var replies: [ReplyDescription] {
        [
            ReplyDescription(status: 204, description: "The chat does not follow the product any more."),
            .json(202, "The job is enqueued, or has not ended in time.", .named(JobView.self), headers: [("Location", "Where to ask for the job.")]),
        ]
    }

    var answer: Answer {
        get throws {
            switch self {
            case .removed: Answer(status: 204, body: .none)
            case .accepted(let job): try JobOutput.accepted(job)
            }
        }
    }
}
