import DynamicJSON

extension JSONValue {
    /// The value over several lines, members by name: for people who read and edit it.
    var pretty: String { pretty(indent: "") }

    private func pretty(indent: String) -> String {
        let inner = indent + "  "
        switch self {
        case .array(let list) where !list.isEmpty:
            return "[\n" + list.map { inner + $0.pretty(indent: inner) }.joined(separator: ",\n") + "\n\(indent)]"
        case .object(let members) where !members.isEmpty:
            let lines = members.sorted { $0.key < $1.key }.map { inner + JSONValue.string($0.key).text + ": " + $0.value.pretty(indent: inner) }
            return "{\n" + lines.joined(separator: ",\n") + "\n\(indent)}"
        default: return text
        }
    }
}

extension String {
    /// At most so many characters, and a sign that there is more.
    func shortened(_ length: Int) -> String { count > length ? String(prefix(length)) + "…" : self }
}
