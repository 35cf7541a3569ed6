import Crypto
import CryptoExtras
import Foundation
import Synchronization

/// Hashes passwords with scrypt (RFC 7914) on threads of its own, two at a time: a hash takes some 100 ms and up to 32 MB.
///
/// A stored hash reads `$scrypt$ln=15,r=8,p=3$salt$key`, salt and key in Base64, so that its parameters may be raised later.
public struct PasswordHasher: Sendable {
    #if DEBUG
        /// Without optimisation the C library takes 30 times as long, so a debug build asks for less; a release build replaces
        /// such a hash at the next sign-in.
        static let current = Parameters(logRounds: 14, blockSize: 8, parallelism: 1)
    #else
        /// 2^15 rounds of 8 blocks, 3 times: what OWASP's password storage sheet asks of scrypt with 32 MB.
        static let current = Parameters(logRounds: 15, blockSize: 8, parallelism: 3)
    #endif
    private static let threads = HashingThreads()

    /// Makes a hasher.
    public init() {}

    /// A new hash with a random salt of 16 bytes.
    public func hash(_ password: String) async throws -> String {
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<16).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let key = try await Self.threads.run { try Self.derive(password, salt: salt, Self.current) }
        let parameters = Self.current
        return "$scrypt$ln=\(parameters.logRounds),r=\(parameters.blockSize),p=\(parameters.parallelism)$"
            + "\(Data(salt).base64EncodedString())$\(Data(key).base64EncodedString())"
    }

    /// Whether the password has this hash. With no hash a hash is computed all the same, so that it takes as long.
    public func verify(_ password: String, against stored: String?) async throws -> Bool {
        guard let stored, let (parameters, salt, expected) = Self.parse(stored) else {
            _ = try await Self.threads.run { try Self.derive(password, salt: Array(repeating: 0, count: 16), Self.current) }
            return false
        }
        let key = try await Self.threads.run { try Self.derive(password, salt: salt, parameters) }
        // Every byte is looked at, so that the time tells nothing of where they differ.
        return key.count == expected.count && zip(key, expected).reduce(UInt8(0)) { $0 | ($1.0 ^ $1.1) } == 0
    }

    /// Whether the hash cost less than one of today, so that it should be replaced while the password is at hand.
    public func isOutdated(_ stored: String) -> Bool {
        guard let (parameters, _, _) = Self.parse(stored) else { return false }
        return parameters.cost < Self.current.cost
    }

    struct Parameters: Hashable {
        let logRounds: Int
        let blockSize: Int
        let parallelism: Int

        var cost: Int { (blockSize * parallelism) << logRounds }
    }

    /// Reads a stored hash; nil for anything else, and for parameters that would cost more than 256 MB.
    static func parse(_ text: String) -> (Parameters, salt: [UInt8], key: [UInt8])? {
        let parts = text.split(separator: "$", omittingEmptySubsequences: false).map { String($0) }
        guard parts.count == 5, parts[0].isEmpty, parts[1] == "scrypt", let salt = Data(base64Encoded: parts[3]), let key = Data(base64Encoded: parts[4]),
            key.count == 32
        else { return nil }
        let numbers = parts[2].split(separator: ",").map { $0.split(separator: "=").map { String($0) } }
        guard numbers.count == 3, numbers.allSatisfy({ $0.count == 2 }), numbers.map({ $0[0] }) == ["ln", "r", "p"], let logRounds = Int(numbers[0][1]),
            let blockSize = Int(numbers[1][1]), let parallelism = Int(numbers[2][1]), (10...20).contains(logRounds), (1...16).contains(blockSize),
            (1...16).contains(parallelism), (128 * blockSize) << logRounds <= 256 << 20
        else { return nil }
        return (Parameters(logRounds: logRounds, blockSize: blockSize, parallelism: parallelism), Array(salt), Array(key))
    }

    private static func derive(_ password: String, salt: [UInt8], _ parameters: Parameters) throws -> [UInt8] {
        let key = try KDF.Scrypt.deriveKey(
            from: Array(password.utf8), salt: salt, outputByteCount: 32, rounds: 1 << parameters.logRounds, blockSize: parameters.blockSize,
            parallelism: parameters.parallelism)
        return key.withUnsafeBytes { Array($0) }
    }
}

/// At most two threads that run what blocks; they end when nothing waits.
final class HashingThreads: Sendable {
    private struct State {
        var waiting: [@Sendable () -> Void] = []
        var running = 0
    }

    private static let maximumThreads = 2
    private static let maximumWaiting = 64
    private let state = Mutex(State())

    /// Runs the body on one of the threads.
    ///
    /// - Throws: what the body throws; `StoreError` with code `tooManyPasswords` when 64 wait already.
    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            let (isTaken, mustStart) = state.withLock { state in
                guard state.waiting.count < Self.maximumWaiting else { return (false, false) }
                state.waiting.append { continuation.resume(with: Result { try body() }) }
                guard state.running < Self.maximumThreads else { return (true, false) }
                state.running += 1
                return (true, true)
            }
            guard isTaken else {
                return continuation.resume(throwing: StoreError(.tooManyPasswords, "too many passwords wait to be checked: try again later"))
            }
            if mustStart { Thread.detachNewThread { self.work() } }
        }
    }

    private func work() {
        while true {
            let next: (@Sendable () -> Void)? = state.withLock { state in
                guard state.waiting.isEmpty else { return state.waiting.removeFirst() }
                state.running -= 1
                return nil
            }
            guard let next else { return }
            next()
        }
    }
}
