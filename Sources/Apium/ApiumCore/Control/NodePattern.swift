/// A pattern of node names, as a control message carries it: kombu's matchers `glob` and `pcre`.
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
        case "pcre": form = .expression(pattern)
        default: return nil
        }
    }

    /// Whether a name matches: a glob the whole of it, an expression its beginning. An expression that cannot be read matches nothing.
    public func matches(_ name: String) -> Bool {
        switch form {
        case .glob(let pattern): return pattern.matches(name)
        case .expression(let text):
            guard let expression = try? Regex(text) else { return false }
            return ((try? expression.prefixMatch(in: name)) ?? nil) != nil
        }
    }
}
