import Crypto
import PriceWatchModel
import Synchronization

/// Finds out whose token a request carries.
///
/// Tokens are compared by their SHA-256: the service token's in constant time, the others' by a look-up whose time says
/// nothing about a token, because the hash of a guess is as random as any. What was found, and what was not, is remembered
/// for a few seconds, so that a revoked token ends within that time.
final class TokenAuthenticator: Sendable {
    /// How long a look-up is remembered.
    static let memory: Duration = .seconds(10)
    /// How many look-ups are remembered; above it the memory is emptied.
    static let memorySize = 1000

    private let service: SHA256.Digest
    private let store: any APITokenStore
    private let clock = ContinuousClock()
    private let known = Mutex<[[UInt8]: (token: APIToken?, until: ContinuousClock.Instant)]>([:])

    init(serviceToken: String, store: any APITokenStore) {
        service = SHA256.hash(data: Array(serviceToken.utf8))
        self.store = store
    }

    /// Whether this is the service token; never waits.
    func isService(_ authorization: String?) -> Bool {
        guard let token = Self.bearer(authorization) else { return false }
        // Digest's == is constant-time.
        return SHA256.hash(data: Array(token.utf8)) == service
    }

    /// The caller of an `Authorization` field.
    func caller(_ authorization: String?) async throws -> Caller {
        guard let authorization else { throw Self.refusal("a bearer token is needed: Authorization: Bearer …") }
        guard let token = Self.bearer(authorization) else { throw Self.refusal("the Authorization field must be: Bearer, a blank, a token") }
        let hash = SHA256.hash(data: Array(token.utf8))
        if hash == service { return .service }
        guard let found = try await lookUp(Array(hash)) else { throw Self.refusal("the token is unknown, revoked or expired") }
        return Caller(found)
    }

    private func lookUp(_ hash: [UInt8]) async throws -> APIToken? {
        let now = clock.now
        if let entry = known.withLock({ $0[hash] }), entry.until > now { return entry.token }
        let found: APIToken?
        do {
            found = try await store.token(sha256: hash)
        } catch {
            throw APIError(.unavailable, "tokens cannot be looked up now; try again")
        }
        known.withLock { known in
            if known.count >= Self.memorySize { known.removeAll(keepingCapacity: true) }
            known[hash] = (found, now + Self.memory)
        }
        return found
    }

    /// The token of `Bearer <token>`, its scheme in any case; `nil` for anything else.
    static func bearer(_ authorization: String?) -> String? {
        guard let authorization else { return nil }
        let words = authorization.split(separator: " ", maxSplits: 1)
        guard words.count == 2, words[0].lowercased() == "bearer" else { return nil }
        let token = words[1].utf8.drop { $0 == 32 }
        guard (1...512).contains(token.count), token.allSatisfy({ (0x21...0x7E).contains($0) }) else { return nil }
        return String(token)
    }

    private static func refusal(_ message: String) -> APIError {
        var error = APIError(.unauthorized, message)
        error.headers["WWW-Authenticate"] = "Bearer realm=\"pricewatch\""
        return error
    }
}

/// Makes new tokens.
public enum TokenText {
    /// A new token of 256 random bits, `pw_` before it so that a leaked one is recognised, and its SHA-256 for the store.
    public static func make() -> (token: String, sha256: [UInt8]) {
        let bits = SymmetricKey(size: .bits256).withUnsafeBytes { Array($0) }
        let digits = Array("0123456789abcdef".utf8)
        let token = "pw_" + String(decoding: bits.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
        return (token, Array(SHA256.hash(data: Array(token.utf8))))
    }
}
