import ApiumCore
import PriceWatchModel

/// Changes what a user has chosen: how often prices are checked, their time zone, digests and quiet hours.
public struct ChangeSettings: DependentJob {
    public static let name = "pricewatch.change_settings"
    public static let options = JobOptions(queue: Queues.interactive, retry: .exponential(attempts: 3), timeLimit: .seconds(30))
    public static let parameters = ["chat_id", "change"]

    /// Telegram's chat id.
    public var chatID: Int64
    /// What changes.
    public var change: PreferencesChange
    /// The user's name, for a new user.
    public var userName: String?
    /// The language of a new user.
    public var language: Language?

    /// Makes the job.
    public init(chatID: Int64, change: PreferencesChange, userName: String? = nil, language: Language? = nil) {
        self.chatID = chatID
        self.change = change
        self.userName = userName
        self.language = language
    }

    /// What became of it.
    public struct Outcome: Sendable, Hashable, Codable {
        /// The preferences after the change; `nil`: it was refused.
        public var preferences: UserPreferences?
        /// Why it was refused.
        public var refusal: SettingsRefusal?

        /// Makes an outcome.
        public init(preferences: UserPreferences? = nil, refusal: SettingsRefusal? = nil) {
            self.preferences = preferences
            self.refusal = refusal
        }
    }

    public func run(in context: JobContext, using services: PriceWatchServices) async throws -> Outcome {
        if case .set(let seconds) = change.checkInterval, let refusal = services.rules.intervals.refusal(of: seconds) { return Outcome(refusal: refusal) }
        if case .set(let hour) = change.digestHour, !(0...23).contains(hour) { return Outcome(refusal: SettingsRefusal(.badHour)) }
        var change = change
        if case .set(let written) = change.timeZone {
            guard let zone = ZoneName(written) else { return Outcome(refusal: SettingsRefusal(.unknownTimeZone)) }
            change.timeZone = .set(zone.text)
        }
        do {
            return Outcome(preferences: try await services.store.changePreferences(chatID: chatID, userName: userName ?? "", language: language, change))
        } catch StoreRefusal.unknownTimeZone {
            return Outcome(refusal: SettingsRefusal(.unknownTimeZone))
        }
    }

    enum CodingKeys: String, CodingKey {
        case change, language
        case chatID = "chat_id"
        case userName = "user_name"
    }
}

/// Why a setting was not changed.
public struct SettingsRefusal: Sendable, Hashable, Codable {
    /// What was wrong.
    public var reason: Reason
    /// The shortest and the longest interval that there are, in seconds.
    public var minimum: Int?
    public var maximum: Int?

    /// Makes a refusal.
    public init(_ reason: Reason, minimum: Int? = nil, maximum: Int? = nil) {
        self.reason = reason
        self.minimum = minimum
        self.maximum = maximum
    }

    /// What may be wrong.
    public enum Reason: String, Sendable, Hashable, Codable {
        /// The interval is out of bounds.
        case badInterval = "bad_interval"
        /// There is no such time zone.
        case unknownTimeZone = "unknown_time_zone"
        /// There is no such hour.
        case badHour = "bad_hour"
        /// The chat has no such watch.
        case notFound = "not_found"
    }
}

extension CheckIntervals {
    /// Why an interval is not allowed; `nil` for one that is.
    func refusal(of seconds: Int) -> SettingsRefusal? {
        admits(seconds) ? nil : SettingsRefusal(.badInterval, minimum: minimum, maximum: maximum)
    }
}
