import Crypto
import PriceWatchModel
import Synchronization

/// A signed-in browser.
struct SignedIn: Sendable {
    let account: AdminAccount
    let token: String
    /// What every form must send back: bound to the session, so that another site cannot know it.
    var csrf: String { Tokens.csrf(of: token) }
    var canEdit: Bool { account.role == .editor }
}

/// Random tokens and what is made of them.
enum Tokens {
    /// 32 random bytes as hexadecimal text.
    static func make() -> String { SymmetricKey(size: .bits256).withUnsafeBytes { hexadecimal($0) } }

    /// What the store keeps of a session's token.
    static func hash(_ token: String) -> [UInt8] { Array(SHA256.hash(data: Array(token.utf8))) }

    /// The form token of a session's or login page's token.
    static func csrf(of token: String) -> String {
        let code = HMAC<SHA256>.authenticationCode(for: Array("csrf".utf8), using: SymmetricKey(data: Array(token.utf8)))
        return code.withUnsafeBytes { hexadecimal($0) }
    }

    /// Whether a form token is right; takes the same time wherever it differs.
    static func isRight(_ given: String?, for token: String) -> Bool {
        let expected = Array(csrf(of: token).utf8)
        let given = Array((given ?? "").utf8)
        guard given.count == expected.count else { return false }
        return zip(given, expected).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    private static func hexadecimal(_ bytes: UnsafeRawBufferPointer) -> String {
        bytes.map { ($0 < 16 ? "0" : "") + String($0, radix: 16) }.joined()
    }
}

/// Slows down guessing: after failures a name, and an address, must wait, twice as long each time.
///
/// The answer while waiting is the same as for a wrong password, so that nothing is told.
final class LoginThrottle: Sendable {
    private struct Entry {
        var failures: Int
        var until: ContinuousClock.Instant
    }

    private let entries = Mutex<[String: Entry]>([:])
    private let limit = 10_000

    /// Whether an attempt must be refused without being looked at.
    func isHeldBack(_ keys: [String]) -> Bool {
        let now = ContinuousClock.now
        return entries.withLock { entries in keys.contains { (entries[$0]?.until ?? now) > now } }
    }

    /// Notes a failure: nothing for the first four, then 1, 2, 4 … seconds, at most 15 minutes.
    func failed(_ keys: [String]) {
        let now = ContinuousClock.now
        entries.withLock { entries in
            if entries.count > limit { entries = entries.filter { $0.value.until > now } }
            for key in keys {
                let failures = (entries[key]?.failures ?? 0) + 1
                let wait: Duration = failures < 5 ? .zero : min(.seconds(1 << min(failures - 5, 12)), .seconds(900))
                entries[key] = Entry(failures: failures, until: now + wait)
            }
        }
    }

    /// Forgets the failures of a name and an address.
    func succeeded(_ keys: [String]) { entries.withLock { entries in for key in keys { entries[key] = nil } } }
}
