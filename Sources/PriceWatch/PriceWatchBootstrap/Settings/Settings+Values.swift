extension Settings {
    /// A text; a setting without default must be set.
    public mutating func string(_ setting: Setting) -> String {
        guard let value = raw(setting) else {
            refuse(setting, "is required: \(setting.help)")
            return ""
        }
        return value
    }

    /// A text, or `nil` when not set.
    public func optional(_ setting: Setting) -> String? { raw(setting) }

    /// A secret of at least so many characters; it must be set.
    public mutating func secret(_ setting: Setting, minimumLength: Int = 1) -> Secret {
        optionalSecret(setting, minimumLength: minimumLength)
            ?? {
                refuse(setting, "is required: \(setting.help)")
                return Secret("")
            }()
    }

    /// A secret of at least so many characters, or `nil` when not set.
    public mutating func optionalSecret(_ setting: Setting, minimumLength: Int = 1) -> Secret? {
        guard let value = raw(setting) else { return nil }
        if value.count < minimumLength { refuse(setting, "is too short; \(minimumLength) characters or more") }
        return Secret(value)
    }

    /// A whole number within bounds.
    public mutating func integer(_ setting: Setting, in bounds: ClosedRange<Int>) -> Int {
        let value = string(setting)
        guard !value.isEmpty else { return bounds.lowerBound }
        guard let number = Int(value), bounds.contains(number) else {
            refuse(setting, "is no number from \(bounds.lowerBound) to \(bounds.upperBound)")
            return bounds.lowerBound
        }
        return number
    }

    /// Three numbers of which the first stands between the others; each is within bounds.
    public mutating func between(
        _ setting: Setting, minimum: Setting, maximum: Setting, in bounds: ClosedRange<Int>
    ) -> (value: Int, minimum: Int, maximum: Int) {
        let values = (integer(setting, in: bounds), integer(minimum, in: bounds), integer(maximum, in: bounds))
        if values.0 < values.1 { refuse(setting, "is less than \(minimum.name), which is \(values.1)") }
        if values.0 > values.2 { refuse(setting, "is more than \(maximum.name), which is \(values.2)") }
        return values
    }

    /// A TCP port.
    public mutating func port(_ setting: Setting) -> Int {
        let value = string(setting)
        guard let number = Int(value), (1...65535).contains(number) else {
            if !value.isEmpty { refuse(setting, "is no port; 1–65535") }
            return 1
        }
        return number
    }

    /// A TCP port, or `nil` for 0: off.
    public mutating func optionalPort(_ setting: Setting) -> Int? {
        if raw(setting) == "0" { return nil }
        let value = string(setting)
        guard let number = Int(value), (1...65535).contains(number) else {
            if !value.isEmpty { refuse(setting, "is no port; 1–65535, or 0 for off") }
            return nil
        }
        return number
    }

    /// A number, fractions allowed, within bounds.
    public mutating func number(_ setting: Setting, in bounds: ClosedRange<Double>) -> Double {
        let value = string(setting)
        guard !value.isEmpty else { return bounds.lowerBound }
        guard let number = Double(value), bounds.contains(number) else {
            refuse(setting, "is no number from \(bounds.lowerBound) to \(bounds.upperBound)")
            return bounds.lowerBound
        }
        return number
    }

    /// A time in seconds, fractions allowed, within bounds.
    public mutating func seconds(_ setting: Setting, in bounds: ClosedRange<Double>) -> Duration {
        let value = string(setting)
        guard !value.isEmpty else { return .seconds(bounds.lowerBound) }
        guard let number = Double(value), bounds.contains(number) else {
            refuse(setting, "is no number of seconds from \(bounds.lowerBound) to \(bounds.upperBound)")
            return .seconds(bounds.lowerBound)
        }
        return .seconds(number)
    }

    /// One of the cases of an enumeration.
    public mutating func choice<Choice: RawRepresentable & CaseIterable>(_ setting: Setting, as _: Choice.Type = Choice.self, otherwise: Choice) -> Choice
    where Choice.RawValue == String {
        let value = string(setting)
        if let choice = Choice(rawValue: value.lowercased()) { return choice }
        refuse(setting, "is none of \(Choice.allCases.map(\.rawValue).joined(separator: ", "))")
        return otherwise
    }

    /// The parts of a comma list, blanks around them removed; empty when not set.
    public func list(_ setting: Setting) -> [String] {
        (raw(setting) ?? "").split(separator: ",").map { Self.trimmed(String($0)) }.filter { !$0.isEmpty }
    }

    /// A URL with one of these schemes.
    public mutating func url(_ setting: Setting, schemes: [String]) -> ConnectionURL {
        let value = string(setting)
        if let url = ConnectionURL(value), schemes.contains(url.scheme) { return url }
        if !value.isEmpty { refuse(setting, "is no URL beginning with \(schemes.map { $0 + "://" }.joined(separator: " or "))") }
        return .unusable
    }

    /// A URL with one of these schemes, or `nil` when not set.
    public mutating func optionalURL(_ setting: Setting, schemes: [String]) -> ConnectionURL? {
        raw(setting) == nil ? nil : url(setting, schemes: schemes)
    }

    /// `host:port`; an IPv6 address stands in brackets.
    public mutating func address(_ setting: Setting) -> (host: String, port: Int) {
        let value = string(setting)
        let colon = value.lastIndex(of: ":")
        let host = colon.map { String(value[..<$0]) } ?? ""
        let port = colon.flatMap { Int(value[value.index(after: $0)...]) } ?? 0
        let isBracketed = host.hasPrefix("[") && host.hasSuffix("]")
        guard (1...65535).contains(port), !host.isEmpty, isBracketed || !host.contains(":"), !host.contains("/") else {
            if !value.isEmpty { refuse(setting, "is no host:port") }
            return ("127.0.0.1", 1)
        }
        return (isBracketed ? String(host.dropFirst().dropLast()) : host, port)
    }

    private static func trimmed(_ text: String) -> String {
        var text = Substring(text)
        while let first = text.first, first.isWhitespace { text.removeFirst() }
        while let last = text.last, last.isWhitespace { text.removeLast() }
        return String(text)
    }
}
