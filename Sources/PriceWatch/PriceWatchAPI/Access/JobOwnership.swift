import Crypto
import PriceWatchModel

/// Ids of jobs that belong to a chat.
///
/// A token bound to a chat may read and cancel only the jobs that were enqueued for that chat. No table remembers them: the
/// id carries the proof, an HMAC of the chat and of the id's random part, under a key that only the API has.
struct JobOwnership: Sendable {
    private let key: SymmetricKey

    init(secret: String) {
        key = HKDF<SHA256>.deriveKey(inputKeyMaterial: SymmetricKey(data: Array(secret.utf8)), info: Array("job ownership".utf8), outputByteCount: 32)
    }

    /// A new id of a caller's job; `nil` when any id will do.
    func makeID(for caller: Caller) -> String? {
        guard let chat = caller.chatID else { return nil }
        let random = SymmetricKey(size: .bits128).withUnsafeBytes { Array($0) }
        return "chat-" + Self.hex(random) + "-" + Self.hex(proof(random: random, chat: chat))
    }

    /// The id of a job that is asked for under a key: the same for the same key, and nobody else's to guess or to take.
    func id(ofKey text: String) -> String {
        "asked-" + Self.hex(Array(HMAC<SHA256>.authenticationCode(for: Array("key:\(text)".utf8), using: key).prefix(16)))
    }

    /// Refuses another chat's job as if it did not exist.
    func check(_ id: String, for caller: Caller) throws(APIError) {
        guard let chat = caller.chatID else { return }
        let parts = id.split(separator: "-", omittingEmptySubsequences: false)
        guard parts.count == 3, parts[0] == "chat", let random = Self.bytes(parts[1]), let given = Self.bytes(parts[2]),
            Self.equals(given, proof(random: random, chat: chat))
        else { throw APIError(.notFound, "there is no such job of this chat", field: "id") }
    }

    private func proof(random: [UInt8], chat: Int64) -> [UInt8] {
        let message = random + withUnsafeBytes(of: chat.bigEndian) { Array($0) }
        return Array(HMAC<SHA256>.authenticationCode(for: message, using: key).prefix(16))
    }

    /// In constant time.
    private static func equals(_ left: [UInt8], _ right: [UInt8]) -> Bool {
        guard left.count == right.count else { return false }
        return zip(left, right).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func hex(_ bytes: [UInt8]) -> String {
        let digits = Array("0123456789abcdef".utf8)
        return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
    }

    private static func bytes(_ text: Substring) -> [UInt8]? {
        guard text.utf8.count == 32 else { return nil }
        var bytes: [UInt8] = []
        var rest = text
        while !rest.isEmpty {
            guard let byte = UInt8(rest.prefix(2), radix: 16) else { return nil }
            bytes.append(byte)
            rest = rest.dropFirst(2)
        }
        return bytes
    }
}
