/// What a user has chosen, as it is stored. What was never chosen has its default.
public struct UserPreferences: Sendable, Hashable, Codable {
    /// Seconds between two checks of what they follow; `nil`: the deployment's.
    public var checkInterval: Int?
    /// Where they live: a name of the tz database such as `Europe/Moscow`, or an offset such as `+03:00`. `nil`: UTC.
    public var timeZone: String?
    /// How often they get a digest. Default: never.
    public var digest: DigestPeriod
    /// The local hour of the digest, 0 to 23. Default: 9.
    public var digestHour: Int
    /// The hours in which nothing is sent; `nil`: none.
    public var quietHours: QuietHours?

    /// Makes preferences; the defaults are given at the properties.
    public init(
        checkInterval: Int? = nil, timeZone: String? = nil, digest: DigestPeriod = .off, digestHour: Int = 9, quietHours: QuietHours? = nil
    ) {
        self.checkInterval = checkInterval
        self.timeZone = timeZone
        self.digest = digest
        self.digestHour = digestHour
        self.quietHours = quietHours
    }

    enum CodingKeys: String, CodingKey {
        case digest
        case checkInterval = "check_interval"
        case timeZone = "time_zone"
        case digestHour = "digest_hour"
        case quietHours = "quiet_hours"
    }
}

/// How often a digest comes: at the user's local hour, each day or each Monday.
public enum DigestPeriod: String, Sendable, Hashable, Codable, CaseIterable {
    case off, daily, weekly
}

/// Local hours in which no message is sent: from the first one up to, and without, the second; past midnight when that is the smaller one.
public struct QuietHours: Sendable, Hashable, Codable {
    /// The first quiet hour, 0 to 23.
    public var from: Int
    /// The first hour that is not quiet any more, 0 to 23; another than ``from``.
    public var until: Int

    /// Makes quiet hours; `nil` for hours that there are not, or none between them.
    public init?(from: Int, until: Int) {
        guard (0...23).contains(from), (0...23).contains(until), from != until else { return nil }
        self.from = from
        self.until = until
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: CodingKeys.self)
        guard let hours = QuietHours(from: try container.decode(Int.self, forKey: .from), until: try container.decode(Int.self, forKey: .until)) else {
            throw DecodingError.dataCorrupted(.init(codingPath: decoder.codingPath, debugDescription: "quiet hours are two different hours from 0 to 23"))
        }
        self = hours
    }

    enum CodingKeys: String, CodingKey { case from, until }
}

/// What becomes of one field: in JSON a missing field is kept, and `null` clears it.
public enum FieldChange<Value: Sendable & Hashable & Codable>: Sendable, Hashable {
    case keep
    /// Back to the default.
    case clear
    case set(Value)

    /// The new value of a field that had `old`.
    public func applied(to old: Value?) -> Value? {
        switch self {
        case .keep: old
        case .clear: nil
        case .set(let value): value
        }
    }

    /// Whether it changes anything.
    public var isChange: Bool { self != .keep }
}

extension KeyedDecodingContainer {
    fileprivate func change<Value>(_ key: Key) throws -> FieldChange<Value> {
        guard contains(key) else { return .keep }
        return try decodeNil(forKey: key) ? .clear : .set(try decode(Value.self, forKey: key))
    }
}

extension KeyedEncodingContainer {
    fileprivate mutating func encode<Value>(_ change: FieldChange<Value>, _ key: Key) throws {
        switch change {
        case .keep: break
        case .clear: try encodeNil(forKey: key)
        case .set(let value): try encode(value, forKey: key)
        }
    }
}

/// A change of ``UserPreferences``, field by field.
public struct PreferencesChange: Sendable, Hashable, Codable {
    /// Seconds between two checks.
    public var checkInterval: FieldChange<Int>
    /// The time zone, as the user wrote it; ``ZoneName`` reads it.
    public var timeZone: FieldChange<String>
    /// How often a digest comes.
    public var digest: FieldChange<DigestPeriod>
    /// The local hour of the digest.
    public var digestHour: FieldChange<Int>
    /// The quiet hours.
    public var quietHours: FieldChange<QuietHours>

    /// Makes a change; what is not named is kept.
    public init(
        checkInterval: FieldChange<Int> = .keep, timeZone: FieldChange<String> = .keep, digest: FieldChange<DigestPeriod> = .keep,
        digestHour: FieldChange<Int> = .keep, quietHours: FieldChange<QuietHours> = .keep
    ) {
        self.checkInterval = checkInterval
        self.timeZone = timeZone
        self.digest = digest
        self.digestHour = digestHour
        self.quietHours = quietHours
    }

    /// The preferences after this change.
    public func applied(to old: UserPreferences) -> UserPreferences {
        UserPreferences(
            checkInterval: checkInterval.applied(to: old.checkInterval), timeZone: timeZone.applied(to: old.timeZone),
            digest: digest.applied(to: old.digest) ?? .off, digestHour: digestHour.applied(to: old.digestHour) ?? 9,
            quietHours: quietHours.applied(to: old.quietHours))
    }

    public init(from decoder: any Decoder) throws {
        let container = try decoder.container(keyedBy: UserPreferences.CodingKeys.self)
        checkInterval = try container.change(.checkInterval)
        timeZone = try container.change(.timeZone)
        digest = try container.change(.digest)
        digestHour = try container.change(.digestHour)
        quietHours = try container.change(.quietHours)
    }

    public func encode(to encoder: any Encoder) throws {
        var container = encoder.container(keyedBy: UserPreferences.CodingKeys.self)
        try container.encode(checkInterval, .checkInterval)
        try container.encode(timeZone, .timeZone)
        try container.encode(digest, .digest)
        try container.encode(digestHour, .digestHour)
        try container.encode(quietHours, .quietHours)
    }
}

/// A time zone as a user may write it. Whether a name exists is for the store to say, which has the rules.
public struct ZoneName: Sendable, Hashable {
    /// `Europe/Moscow`, `UTC`, or an offset with sign, two digits, a colon and two digits: `+03:00`.
    public let text: String

    /// Reads `Europe/Moscow`, `+3`, `-9:30`, `UTC+5`, `GMT+05:45`; `nil` for anything that can be no zone.
    public init?(_ written: String) {
        var text = written.filter { !$0.isWhitespace }
        for prefix in ["UTC", "GMT"] where text.uppercased().hasPrefix(prefix) && text.count > 3 { text.removeFirst(3) }
        text = text.replacing("\u{2212}", with: "-")
        if let sign = text.first, sign == "+" || sign == "-" {
            guard let offset = Self.offset(text.dropFirst()) else { return nil }
            self.text = String(sign) + offset
            return
        }
        let isName =
            (1...64).contains(text.utf8.count) && text.first?.isLetter == true
            && text.utf8.allSatisfy {
                (48...57).contains($0) || (65...90).contains($0) || (97...122).contains($0) || $0 == 43 || $0 == 45 || $0 == 47 || $0 == 95
            }
        guard isName else { return nil }
        self.text = ["UTC", "GMT", "Z"].contains(text.uppercased()) ? "UTC" : text
    }

    /// `3`, `03`, `0300`, `3:00`, `03:00` as `03:00`, up to 14 hours (the date line).
    private static func offset(_ text: Substring) -> String? {
        var parts = text.split(separator: ":", omittingEmptySubsequences: false)
        if parts.count == 1, text.utf8.count > 2 { parts = [text.dropLast(2), text.suffix(2)] }
        guard parts.count <= 2, (1...2).contains(parts[0].utf8.count), parts.count == 1 || parts[1].utf8.count == 2 else { return nil }
        guard parts.allSatisfy({ $0.utf8.allSatisfy { (48...57).contains($0) } }) else { return nil }
        guard let hours = Int(parts[0]), let minutes = parts.count == 1 ? 0 : Int(parts[1]) else { return nil }
        guard minutes < 60, hours * 60 + minutes <= 14 * 60 else { return nil }
        return (hours < 10 ? "0" : "") + "\(hours):" + (minutes < 10 ? "0" : "") + "\(minutes)"
    }
}
