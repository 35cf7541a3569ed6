/// A pattern of the shell's kind over a whole text: `*` any run of characters, `?` one character, `[a-z]` one of these, `[!a-z]` one of
/// the others. A bracket that is not closed stands for itself.
package struct GlobPattern: Sendable, Hashable {
    private enum Part: Hashable {
        case any
        case one
        case literal(Unicode.Scalar)
        case oneOf([ClosedRange<Unicode.Scalar>], negated: Bool)

        func takes(_ scalar: Unicode.Scalar) -> Bool {
            switch self {
            case .any: false
            case .one: true
            case .literal(let own): own == scalar
            case .oneOf(let ranges, let negated): ranges.contains { $0.contains(scalar) } != negated
            }
        }
    }

    private let parts: [Part]

    /// Reads a pattern.
    package init(_ text: String) {
        var parts: [Part] = []
        var rest = Array(text.unicodeScalars)[...]
        while let scalar = rest.popFirst() {
            switch scalar {
            case "*": if parts.last != .any { parts.append(.any) }
            case "?": parts.append(.one)
            case "[": parts.append(Self.bracket(&rest) ?? .literal("["))
            default: parts.append(.literal(scalar))
            }
        }
        self.parts = parts
    }

    /// Reads a bracket's inside up to its `]`; nothing is taken when there is none. A `]` in the first place stands for itself.
    private static func bracket(_ rest: inout ArraySlice<Unicode.Scalar>) -> Part? {
        var inside = rest
        let negated = inside.first == "!"
        if negated { inside.removeFirst() }
        guard let end = inside.dropFirst().firstIndex(of: "]") else { return nil }
        var members = inside[..<end]
        var ranges: [ClosedRange<Unicode.Scalar>] = []
        while let low = members.popFirst() {
            if members.count >= 2, members.first == "-" {
                members.removeFirst()
                let high = members.removeFirst()
                // A range that runs backwards has no members.
                if low <= high { ranges.append(low...high) }
            } else {
                ranges.append(low...low)
            }
        }
        rest = rest[(end + 1)...]
        return .oneOf(ranges, negated: negated)
    }

    /// Whether the whole text fits. Steps are at most text times pattern: a star gives back only to the latest one.
    package func matches(_ text: String) -> Bool {
        let scalars = Array(text.unicodeScalars)
        var at = 0
        var part = 0
        var star: (part: Int, at: Int)?
        while at < scalars.count {
            if part < parts.count, parts[part] == .any {
                star = (part, at)
                part += 1
            } else if part < parts.count, parts[part].takes(scalars[at]) {
                part += 1
                at += 1
            } else if let last = star {
                star = (last.part, last.at + 1)
                part = last.part + 1
                at = last.at + 1
            } else {
                return false
            }
        }
        return parts[part...].allSatisfy { $0 == .any }
    }
}
