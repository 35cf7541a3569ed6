import DynamicJSON
import PriceWatchJobs
import PriceWatchModel

/// `/api/v1/settings`, and what a user sets of one watch. Changes are jobs.
struct SettingsOperations {
    var reader: any PriceReader
    var desk: JobDesk
    var intervals: CheckIntervals

    private let chatID = QueryInput("chat_id", .chatID, as: Int64.self, "Telegram's chat id.")
    private let watchID = PathInput("id", .id, as: Int64.self, "The watch's id.")

    init(reader: any PriceReader, desk: JobDesk, intervals: CheckIntervals) {
        self.reader = reader
        self.desk = desk
        self.intervals = intervals
    }

    var all: [Operation] { [read, change, interval, check] }

    private var read: Operation {
        Operation(
            .get, "/api/v1/settings", id: "getSettings", tag: "settings", summary: "Read what a chat has chosen", scopes: [.read], errors: [.notFound],
            inputs: chatID
        ) { call, chat in
            try call.requireCaller().check(chat: chat)
            return Found(ChatResult.Settings(preferences: try await reader.preferences(ofChat: chat), intervals: intervals))
        }
    }

    private var change: Operation {
        Operation(
            .patch, "/api/v1/settings", id: "changeSettings", tag: "settings", summary: "Change what a chat has chosen",
            details: "Fields that are missing stay as they are; `null` goes back to the default. Enqueues the job pricewatch.change_settings: "
                + "202 at once, or the settings with `Prefer: wait=N`.", scopes: [.write], errors: [.notFound, .invalidField], inputs: chatID,
            BodyInput(PreferencesChange.self), PreferInput()
        ) { call, chat, change, wait in
            let caller = try call.requireCaller()
            try caller.check(chat: chat)
            if case .set(let seconds) = change.checkInterval { try check(seconds) }
            let handle = try await desk.enqueue(ChangeSettings(chatID: chat, change: change), for: caller)
            guard let wait, wait > .zero, let outcome = try await desk.value(of: handle, within: wait) else {
                return Changed<ChatResult.Settings>.accepted(JobView(pending: handle.id))
            }
            if let refusal = outcome.refusal { throw APIError(refusal) }
            return .done(ChatResult.Settings(preferences: outcome.preferences ?? UserPreferences(), intervals: intervals))
        }
    }

    private var interval: Operation {
        Operation(
            .patch, "/api/v1/watches/{id}", id: "changeWatch", tag: "watches", summary: "Set how often a product is checked for a chat",
            details: "A product is checked at the shortest interval that one of its followers wants. Enqueues the job pricewatch.set_interval: "
                + "202 at once, or the watch with `Prefer: wait=N`.", scopes: [.write], errors: [.notFound, .invalidField], inputs: watchID, chatID,
            BodyInput(WatchChange.self), PreferInput()
        ) { call, id, chat, change, wait in
            let caller = try await caller(call, chat, watch: id)
            if let seconds = change.checkInterval { try check(seconds) }
            let handle = try await desk.enqueue(SetInterval(chatID: chat, watchID: id, seconds: change.checkInterval), for: caller)
            guard let wait, wait > .zero, let outcome = try await desk.value(of: handle, within: wait) else {
                return Changed<Watch>.accepted(JobView(pending: handle.id))
            }
            guard let watch = outcome.watch else { throw outcome.refusal.map(APIError.init) ?? Self.notFound }
            return .done(watch)
        }
    }

    private var check: Operation {
        Operation(
            .post, "/api/v1/watches/{id}/check", id: "checkWatch", tag: "watches", summary: "Check a product now",
            details: "Also when it is paused; it is checked by the schedule again once its page can be read. Enqueues the job pricewatch.retry_watch: "
                + "202 at once, or the watch with `Prefer: wait=N`.", scopes: [.write], errors: [.notFound, .unreadablePage], inputs: watchID, chatID,
            PreferInput()
        ) { call, id, chat, wait in
            let caller = try await caller(call, chat, watch: id)
            let handle = try await desk.enqueue(RetryWatch(chatID: chat, watchID: id), for: caller)
            guard let wait, wait > .zero, let outcome = try await desk.value(of: handle, within: wait) else {
                return Changed<Watch>.accepted(JobView(pending: handle.id))
            }
            if let failure = outcome.failure { throw APIError.unreadable(failure) }
            guard let watch = outcome.watch else { throw Self.notFound }
            return .done(watch)
        }
    }

    /// Who asks, of a watch that there is.
    private func caller(_ call: Call, _ chat: Int64, watch id: Int64) async throws -> Caller {
        let caller = try call.requireCaller()
        try caller.check(chat: chat)
        guard try await reader.watch(id, ofChat: chat) != nil else { throw Self.notFound }
        return caller
    }

    private func check(_ seconds: Int) throws {
        guard intervals.admits(seconds) else {
            throw APIError(SettingsRefusal(.badInterval, minimum: intervals.minimum, maximum: intervals.maximum))
        }
    }

    private static var notFound: APIError { APIError(.notFound, "the chat has no such watch", field: "id") }
}

extension APIError {
    /// Why a setting was not changed.
    init(_ refusal: SettingsRefusal) {
        switch refusal.reason {
        case .badInterval:
            let bounds = "from \(refusal.minimum ?? 1) to \(refusal.maximum ?? Int(Int32.max)) seconds"
            self.init(.invalidField, "check_interval must be \(bounds)", field: "check_interval")
        case .unknownTimeZone:
            self.init(.invalidField, "time_zone must be a name such as Europe/Moscow, or an offset such as +03:00", field: "time_zone")
        case .badHour: self.init(.invalidField, "digest_hour must be from 0 to 23", field: "digest_hour")
        case .notFound: self.init(.notFound, "the chat has no such watch", field: "id")
        }
    }
}

/// The body of `PATCH /api/v1/watches/{id}`.
struct WatchChange: Codable, Sendable, SchemaProviding {
    var checkInterval: Int?

    enum CodingKeys: String, CodingKey { case checkInterval = "check_interval" }

    static let schemaName = "WatchChange"
    static var schema: Schema {
        .object([.required("check_interval", .nullable(PreferencesChange.seconds), "Seconds between two checks; null: as for all that the chat follows.")])
    }
}

/// What becomes of a change that is a job.
enum Changed<Value: Encodable & SchemaProviding & Sendable>: OperationOutput {
    case done(Value)
    case accepted(JobView)

    static var replies: [ReplyDescription] {
        [
            .json(200, Value.schemaDescription, .named(Value.self)),
            .json(202, "The job is enqueued, or has not ended in time.", .named(JobView.self), headers: [("Location", "Where to ask for the job.")]),
        ]
    }

    var answer: Answer {
        get throws {
            switch self {
            case .done(let value): Answer(status: 200, body: .json(try JSONValueEncoder().encode(value)))
            case .accepted(let job): try JobOutput.accepted(job)
            }
        }
    }
}

extension PreferencesChange: SchemaProviding {
    static let seconds = Schema.integer(1...Int64(Int32.max))
    static let hour = Schema.integer(0...23)

    public static var schemaName: String { "SettingsChange" }
    public static var schemaDescription: String { "What changes; missing fields stay, null goes back to the default." }
    public static var schema: Schema {
        .object([
            .optional("check_interval", .nullable(seconds), "Seconds between two checks of what the chat follows."),
            .optional("time_zone", .nullable(.text(1...64)), "A name such as Europe/Moscow, or an offset such as +03:00."),
            .optional("digest", .nullable(.choice(DigestPeriod.allCases.map(\.rawValue)))),
            .optional("digest_hour", .nullable(hour), "The local hour of the digest."),
            .optional(
                "quiet_hours", .nullable(.object([.required("from", hour), .required("until", hour)])),
                "Local hours without messages: from the first up to the second, another one."),
        ])
    }
}

extension UserPreferences: SchemaProviding {
    public static var schemaName: String { "Preferences" }
    public static var schemaDescription: String { "What a user has chosen; what is missing is the default." }
    public static var schema: Schema {
        .object([
            .optional("check_interval", PreferencesChange.seconds, "Seconds between two checks."),
            .optional("time_zone", .text(1...64), "A name of the tz database, or an offset; missing: UTC."),
            .required("digest", .choice(DigestPeriod.allCases.map(\.rawValue))),
            .required("digest_hour", PreferencesChange.hour),
            .optional("quiet_hours", .object([.required("from", PreferencesChange.hour), .required("until", PreferencesChange.hour)])),
        ])
    }
}

extension CheckIntervals: SchemaProviding {
    public static var schemaName: String { "CheckIntervals" }
    public static var schemaDescription: String { "How often products may be checked, in seconds." }
    public static var schema: Schema {
        .object([
            .required("standard", PreferencesChange.seconds, "Where nobody says otherwise."), .required("minimum", PreferencesChange.seconds),
            .required("maximum", PreferencesChange.seconds),
        ])
    }
}

extension ChatResult.Settings: SchemaProviding {
    public static var schemaName: String { "Settings" }
    public static var schemaDescription: String { "What a user has chosen, and between what they may choose." }
    public static var schema: Schema {
        .object([.required("preferences", .named(UserPreferences.self)), .required("intervals", .named(CheckIntervals.self))])
    }
}
