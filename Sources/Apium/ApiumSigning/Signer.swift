import ApiumCore
import Crypto
import CryptoExtras
import Foundation

/// Who signs: an RSA key and its certificate.
struct Signer: Sendable {
    /// How the certificate is called on the wire.
    let id: String
    private let key: _RSA.BlindSigning.PrivateKey<SHA384>

    /// - Throws: a `FileFault` for a key that cannot be read, or is not the certificate's. What is in it is never told.
    init(pem: String, password: String?, certificate: SignerCertificate) throws(FileFault) {
        let key: _RSA.Signing.PrivateKey
        do {
            key = try Self.key(pem, password)
        } catch {
            let words =
                pem.contains("ENCRYPTED")
                ? "holds an encrypted RSA key that security_key_password does not open" : "holds no RSA key of 2048 bits or more in PEM"
            throw FileFault(words)
        }
        do {
            // The raw private operation (RSASP1 of RFC 8017) is to be had as RFC 9474's blind signature of a number.
            self.key = try _RSA.BlindSigning.PrivateKey<SHA384>(derRepresentation: key.derRepresentation)
            guard certificate.belongs(toModulus: Array(try key.publicKey.getKeyPrimitives().modulus)) else {
                throw FileFault("is not the key of security_certificate")
            }
        } catch let fault as FileFault {
            throw fault
        } catch {
            throw FileFault("holds an RSA key that cannot be used")
        }
        id = certificate.id
    }

    private static func key(_ pem: String, _ password: String?) throws -> _RSA.Signing.PrivateKey {
        guard pem.contains("ENCRYPTED") else { return try _RSA.Signing.PrivateKey(pemRepresentation: pem) }
        return try _RSA.Signing.PrivateKey(encryptedPEMRepresentation: pem) { setter in setter(Array((password ?? "").utf8)) }
    }

    /// The signature of a body.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` for a key that is too short for the digest.
    func sign(_ body: [UInt8], _ digest: SigningOptions.Digest) throws -> [UInt8] {
        guard let number = PSSEncoding(digest: digest, modulusBits: key.keySizeInBits).encode(body) else {
            throw ApiumError(.invalidConfiguration, "the key of security_key is too short for \(digest.rawValue)")
        }
        do {
            return Array(try key.blindSignature(for: number).rawRepresentation)
        } catch {
            throw ApiumError(.invalidConfiguration, "the key of security_key cannot sign", underlying: error)
        }
    }
}
