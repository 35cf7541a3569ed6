/// A pattern of node names, as a control message carries it: kombu's matchers `glob` and `pcre`.
///
/// Who may send one must not keep a worker busy by it: an expression that may be tried in exponentially many ways (a repeated group in which something
/// is repeated or has alternatives, a reference back), has more than 256 characters or 8 repetitions, or repeats more than 255 times, matches nothing.
public struct NodePattern: Sendable {
    private enum Form: Sendable {
        case glob(GlobPattern)
        case expression(String)
    }

    private let form: Form

    /// Makes a pattern; `nil` when no matcher has this name.
    public init?(_ pattern: String, matcher: String) {
        switch matcher {
        case "glob": form = .glob(GlobPattern(pattern))
        case "pcre": form = .expression(Self.isHarmless(pattern) ? pattern : "")
        default: return nil
        }
    }

    /// Whether a name matches: a glob the whole of it, an expression its beginning. An expression that cannot be read matches nothing.
    public func matches(_ name: String) -> Bool {
        switch form {
        case .glob(let pattern): return pattern.matches(name)
        case .expression(let text):
            guard !text.isEmpty, let expression = try? Regex(text) else { return false }
            return ((try? expression.prefixMatch(in: name)) ?? nil) != nil
        }
    }

    private static func isHarmless(_ pattern: String) -> Bool {
        let text = Array(pattern.unicodeScalars)
        guard text.count <= 256 else { return false }
        /// Of each open group: whether something in it can be tried in more than one way.
        var groups = [false]
        var repetitions = 0
        var isClass = false
        var closed: Bool?
        var place = 0
        while place < text.count {
            let scalar = text[place]
            let before = closed
            closed = nil
            switch scalar {
            case "\\":
                place += 1
                // References, and what begins a quotation.
                if place < text.count, ("1"..."9").contains(text[place]) || ["g", "k", "Q"].contains(text[place]) { return false }
            case "[": isClass = true
            case "]": isClass = false
            case _ where isClass: break
            case "(": groups.append(false)
            case ")":
                guard groups.count > 1, let inner = groups.popLast() else { return false }
                closed = inner
                groups[groups.count - 1] = groups[groups.count - 1] || inner
            case "|": groups[groups.count - 1] = true
            case "*", "+", "?", "{":
                if scalar == "?", place > 0, text[place - 1] == "(" { break }
                repetitions += 1
                if before == true || repetitions > 8 { return false }
                if scalar == "{" {
                    let numbers = text[(place + 1)...].prefix { $0 != "}" }.split(separator: ",")
                    guard numbers.allSatisfy({ (Int(String(String.UnicodeScalarView($0))) ?? 256) <= 255 }) else { return false }
                }
                groups[groups.count - 1] = true
            default: break
            }
            place += 1
        }
        return true
    }
}
