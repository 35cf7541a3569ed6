import DynamicJSON

/// Why a value cannot be used: a sentence that goes on from the setting's name. Never holds a secret.
struct SettingFault: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Reading single values, whatever they stood in: a text of the environment becomes JSON before.
enum SettingValue {
    static func text(_ value: JSONValue) throws -> String {
        switch value {
        case .string(let text): text
        // YAML and JSON read digits as numbers.
        case .int(let number): String(number)
        case .double(let number): String(number)
        default: throw SettingFault("takes a text")
        }
    }

    static func flag(_ value: JSONValue) throws -> Bool {
        switch value {
        case .bool(let flag): return flag
        case .int(0): return false
        case .int(1): return true
        case .string(let text):
            switch text.lowercased() {
            case "true", "1", "yes", "on": return true
            case "false", "0", "no", "off": return false
            default: break
            }
        default: break
        }
        throw SettingFault("takes true or false")
    }

    static func integer(_ value: JSONValue, in bounds: ClosedRange<Int>) throws -> Int {
        let number: Int?
        switch value {
        case .int(let int): number = Int(int)
        case .string(let text): number = Int(text)
        default: number = nil
        }
        guard let number, bounds.contains(number) else { throw SettingFault("takes a whole number from \(bounds.lowerBound) to \(bounds.upperBound)") }
        return number
    }

    static func seconds(_ value: JSONValue, least: Double = 0) throws -> Duration {
        let number: Double?
        switch value {
        case .int(let int): number = Double(int)
        case .double(let double): number = double
        case .string(let text): number = Double(text)
        default: number = nil
        }
        guard let number, number >= least, number <= 1e9 else { throw SettingFault("takes a number of seconds, \(least == 0 ? "0" : "\(least)") or more") }
        return .microseconds(Int64(number * 1_000_000))
    }

    /// A list, or a text with commas.
    static func list(_ value: JSONValue) throws -> [JSONValue] {
        switch value {
        case .array(let list): list
        case .string(let text): text.split(separator: ",").map { .string(trimmed($0)) }.filter { $0 != "" }
        default: throw SettingFault("takes a list")
        }
    }

    static func shown(_ duration: Duration) -> JSONValue {
        let whole = duration.components.seconds
        let rest = duration.components.attoseconds
        return rest == 0 ? .int(whole) : .double(Double(whole) + Double(rest) / 1e18)
    }

    private static func trimmed(_ text: Substring) -> String {
        var text = text
        while text.first?.isWhitespace ?? false { text.removeFirst() }
        while text.last?.isWhitespace ?? false { text.removeLast() }
        return String(text)
    }
}

/// Suggests what a wrong name may have meant.
enum NearestName {
    /// `; did you mean 'x'?`, or nothing when no name is near.
    static func hint(_ name: String, among known: some Sequence<String>) -> String {
        nearest(to: name, among: known).map { "; did you mean '\($0)'?" } ?? ""
    }

    static func nearest(to name: String, among known: some Sequence<String>) -> String? {
        let ranked = known.map { ($0, distance($0, name)) }.min { ($0.1, $0.0) < ($1.1, $1.0) }
        guard let (candidate, distance) = ranked, distance <= max(2, name.count / 5) else { return nil }
        return candidate
    }

    /// How many letters lie between two names.
    private static func distance(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8.prefix(200))
        var row = Array(0...right.count)
        for (line, letter) in left.utf8.prefix(200).enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, other) in right.enumerated() {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (letter == other ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
