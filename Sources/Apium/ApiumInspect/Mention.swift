import ApiumCore
import DynamicJSON

/// How an id stands in the bytes of messages, so that a server may pick those that speak of it without reading them.
///
/// In the headers, and in bodies that are text, it stands as it is. In a body that is base 64 it has one of three forms, by where it
/// begins; bodies that are compressed show nothing. What was picked is read afterwards: a form may stand there by chance.
struct Mention {
    let id: String

    /// Ids that are shorter stand in bodies by chance too often.
    private static let shortest = 4

    /// The forms of the id.
    var texts: [String] {
        let bytes = Array(id.utf8)
        guard bytes.count >= Self.shortest else { return [id] }
        return [id] + (0..<3).map { Self.base64(of: bytes, after: $0) }
    }

    /// The characters that bytes have wherever they stand after so many others, modulo 3: those that share bits with neighbours are left out.
    private static func base64(of bytes: [UInt8], after shift: Int) -> String {
        var text: [UInt8] = []
        Base64.encode([UInt8](repeating: 0, count: shift) + bytes, into: &text)
        let whole = (shift + bytes.count) * 8 / 6
        let shared = [0, 2, 3][shift]
        return String(decoding: text[shared..<whole], as: UTF8.self)
    }

    /// How the job of this id follows from a message of another: `nil` when it does not.
    func relation(to message: Message) -> Relation? {
        guard let embed = try? message.arguments().embed else { return nil }
        if let chord = embed.chord, isNamed(in: chord), let group = message.headers.group { return .body(group: group) }
        let chain = embed.chain ?? []
        // The next step is last.
        if let index = chain.lastIndex(where: isNamed) { return .follows(.chainStep(chain.count - index)) }
        if (embed.callbacks ?? []).contains(where: isNamed) { return .follows(.callback) }
        if (embed.errbacks ?? []).contains(where: isNamed) { return .follows(.errback) }
        return nil
    }

    /// How a job follows from another.
    enum Relation: Hashable {
        /// It is the body of the chord that the other is a part of.
        case body(group: String)
        case follows(Predecessor.Role)
    }

    /// Members of a signature in which others stand.
    private static let nested = ["options", "kwargs", "tasks", "header", "body", "chord", "chain", "link", "link_error"]

    /// Whether a signature, or one in it, is this job's.
    private func isNamed(in signature: JSONValue) -> Bool {
        switch signature {
        case .object(let members):
            if members["options"]?["task_id"]?.stringValue == id { return true }
            return Self.nested.contains { name in members[name].map(isNamed) ?? false }
        case .array(let list): return list.contains(where: isNamed)
        default: return false
        }
    }
}
