import ApiumCore
import Foundation

/// The certificates of those whose signatures count, by how they are called on the wire.
struct CertificateStore: Sendable {
    private let certificates: [String: SignerCertificate]
    private let now: @Sendable () -> Date

    init(_ certificates: [SignerCertificate], now: @escaping @Sendable () -> Date = { Date() }) {
        self.certificates = Dictionary(certificates.map { ($0.id, $0) }) { first, _ in first }
        self.now = now
    }

    /// Refuses what none of them has signed.
    ///
    /// - Throws: ``ApiumError`` `badSignature`: an unknown signer, a certificate that has ended, or a signature that is not of this body.
    func verify(_ content: SignedContent, _ digest: SigningOptions.Digest) throws {
        let name = content.signer.prefix(200)
        guard let certificate = certificates[content.signer] else {
            throw ApiumError(.badSignature, "the body is signed by '\(name)', whose certificate is not in security_cert_store")
        }
        guard now() < certificate.validUntil else {
            throw ApiumError(.badSignature, "the body is signed by '\(name)', whose certificate ended on \(certificate.validUntil.formatted(.iso8601))")
        }
        guard certificate.isValid(content.signature, for: content.body, digest) else {
            throw ApiumError(
                .badSignature,
                "the signature of '\(name)' is not of this body: it was changed, or signed with another key or another digest than \(digest.rawValue)")
        }
    }
}
