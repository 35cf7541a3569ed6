import ApiumCore
import Crypto
import Foundation

/// EMSA-PSS of RFC 8017, 9.1, with the longest salt that fits: what Celery signs and verifies. (Crypto's own PSS has salts of the digest's length.)
struct PSSEncoding {
    let digest: SigningOptions.Digest
    /// How many bits the key's modulus has.
    let modulusBits: Int

    /// How many bytes the encoded message has.
    private var length: Int { (modulusBits - 1 + 7) / 8 }
    private var digestLength: Int { digest.hash([]).count }
    /// The longest salt; negative when the key is too short for the digest.
    private var saltLength: Int { length - digestLength - 2 }
    /// The bits of the first byte that are no part of the number.
    private var firstMask: UInt8 { 0xFF >> UInt8(8 * length - (modulusBits - 1)) }

    /// The encoded message as a number of the modulus' length; `nil` when the key is too short for the digest.
    func encode(_ message: [UInt8]) -> [UInt8]? {
        guard saltLength >= 0 else { return nil }
        var generator = SystemRandomNumberGenerator()
        let salt = (0..<saltLength).map { _ in UInt8.random(in: 0...255, using: &generator) }
        let hash = digest.hash([UInt8](repeating: 0, count: 8) + digest.hash(message) + salt)
        var block: [UInt8] = [1] + salt
        mask(&block, with: hash)
        let encoded = block + hash + [0xBC]
        return [UInt8](repeating: 0, count: (modulusBits + 7) / 8 - encoded.count) + encoded
    }

    /// Whether a number of the modulus' length encodes a message. Its salt must be the longest, as it must be for Celery.
    func matches(_ number: [UInt8], _ message: [UInt8]) -> Bool {
        let count = (modulusBits + 7) / 8
        guard saltLength >= 0, number.count == count, number.prefix(count - length).allSatisfy({ $0 == 0 }), number.last == 0xBC else { return false }
        let encoded = Array(number.suffix(length))
        var block = Array(encoded.prefix(length - digestLength - 1))
        let hash = Array(encoded[block.count..<(length - 1)])
        guard block[0] & ~firstMask == 0 else { return false }
        mask(&block, with: hash)
        guard block[0] == 1 else { return false }
        return hash == digest.hash([UInt8](repeating: 0, count: 8) + digest.hash(message) + block.dropFirst())
    }

    /// MGF1 over the block, whose bits beyond the number are cleared.
    private func mask(_ block: inout [UInt8], with seed: [UInt8]) {
        var mask: [UInt8] = []
        var counter = UInt32(0)
        while mask.count < block.count {
            mask += digest.hash(seed + withUnsafeBytes(of: counter.bigEndian) { Array($0) })
            counter += 1
        }
        for index in block.indices { block[index] ^= mask[index] }
        block[0] &= firstMask
    }
}

extension SigningOptions.Digest {
    fileprivate func hash(_ bytes: [UInt8]) -> [UInt8] {
        switch self {
        case .sha256: Array(SHA256.hash(data: bytes))
        case .sha384: Array(SHA384.hash(data: bytes))
        case .sha512: Array(SHA512.hash(data: bytes))
        }
    }
}
