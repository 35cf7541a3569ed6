import ApiumCore
import CryptoExtras
import Foundation
import X509

/// A certificate with an RSA key: whose signatures count, or who signs.
struct SignerCertificate: Sendable {
    /// The issuer's names and the serial number with blanks between them: how Celery calls a signer on the wire.
    let id: String
    let validUntil: Date
    private let modulus: [UInt8]
    private let power: PublicPower

    /// Reads the first certificate of a PEM file, as Celery does.
    ///
    /// - Throws: a `FileFault` with what is wrong with it.
    init(pem: String) throws(FileFault) {
        let certificate: Certificate
        do {
            certificate = try Certificate(pemEncoded: pem)
        } catch {
            throw FileFault("holds no certificate in PEM that can be read (\(error))")
        }
        guard let key = _RSA.Signing.PublicKey(certificate.publicKey) else {
            throw FileFault("has a key of the kind \(certificate.publicKey); Celery's signatures are RSA's")
        }
        let primitives: _RSA.Signing.PublicKey.Primitives
        do { primitives = try key.getKeyPrimitives() } catch { throw FileFault("has an RSA key that cannot be used (\(error))") }
        guard let power = PublicPower(modulus: Array(primitives.modulus), exponent: Array(primitives.publicExponent)) else {
            throw FileFault("has an RSA key that cannot be used: its modulus or exponent is none of a key's")
        }
        let names = certificate.issuer.flatMap { $0 }.map { String($0.value) ?? $0.value.description }
        id = (names + [DecimalNumber.text(certificate.serialNumber.bytes)]).joined(separator: " ")
        validUntil = certificate.notValidAfter
        modulus = Array(primitives.modulus.drop { $0 == 0 })
        self.power = power
    }

    /// How many bits the modulus has.
    var modulusBits: Int { modulus.count * 8 - (modulus.first?.leadingZeroBitCount ?? 0) }

    /// Whether a signature is this certificate's key's over a body.
    func isValid(_ signature: [UInt8], for body: [UInt8], _ digest: SigningOptions.Digest) -> Bool {
        guard let number = power(signature) else { return false }
        return PSSEncoding(digest: digest, modulusBits: modulusBits).matches(number, body)
    }

    /// Whether this is the certificate of a key with this modulus.
    func belongs(toModulus other: [UInt8]) -> Bool { modulus == Array(other.drop { $0 == 0 }) }
}

/// What is wrong with a file; its name is said by who reads it.
struct FileFault: Error {
    let reason: String
    init(_ reason: String) { self.reason = reason }
}

/// Whole numbers of any length in decimal.
enum DecimalNumber {
    /// - Parameter bytes: the greatest first.
    static func text(_ bytes: some Collection<UInt8>) -> String {
        // Groups of nine digits, the least first.
        var groups: [UInt64] = [0]
        for byte in bytes {
            var carry = UInt64(byte)
            for index in groups.indices {
                let value = groups[index] * 256 + carry
                groups[index] = value % 1_000_000_000
                carry = value / 1_000_000_000
            }
            if carry > 0 { groups.append(carry) }
        }
        let first = groups.last.map { String($0) } ?? "0"
        return groups.dropLast().reversed().reduce(first) { text, group in text + String(String(1_000_000_000 + group).dropFirst()) }
    }
}
