import Foundation
import NIOSSL
import RedisClient

/// What a certificate says of itself.
struct ShownCertificate: Sendable {
    /// Its names and serial number.
    let text: String
    let validFrom: Date
    let validUntil: Date

    init(_ certificate: NIOSSLCertificate) {
        // "<NIOSSLCertificate;serial_number=5f;common_name=a;alternative_names=b,c>"
        let parts = "\(certificate)".dropLast().split(separator: ";").dropFirst()
        text = parts.map { $0.replacing("_", with: " ").replacing("=", with: " ") }.joined(separator: ", ")
        validFrom = Date(timeIntervalSince1970: Double(certificate.notValidBefore))
        validUntil = Date(timeIntervalSince1970: Double(certificate.notValidAfter))
    }
}

/// Why no encrypted connection came about, in words: whose certificate was refused by whom, and what would be right.
struct HandshakeFailure: Error, CustomStringConvertible {
    let description: String

    init(_ error: (any Error)?, certificate: ShownCertificate?, host: String, options: RedisTLSOptions, now: Date = .now) {
        let detail = error.map { "\($0)" } ?? ""
        let shown = certificate.map { "the server's certificate (\($0.text))" } ?? "the server's certificate"
        if let extra = error as? NIOSSLExtraError, extra == .failedToValidateHostname || extra == .serverHostnameImpossibleToMatch {
            description = "\(shown) is not made out to '\(host)'; use a name that it holds, or ssl_check_hostname=false"
        } else if detail.contains("CERTIFICATE_VERIFY_FAILED") {
            description = "\(shown) is refused: \(Self.fault(of: certificate, options, now))"
        } else if detail.contains("WRONG_VERSION_NUMBER") {
            description = "the server does not speak TLS on this port; use its tls-port, or redis:// without encryption"
        } else {
            description = Self.refusal(detail, options)
        }
    }

    /// Why we don't trust the server.
    private static func fault(of certificate: ShownCertificate?, _ options: RedisTLSOptions, _ now: Date) -> String {
        if let end = certificate?.validUntil, end < now { return "it ended on \(end.formatted(.iso8601))" }
        if let start = certificate?.validFrom, start > now { return "it is valid from \(start.formatted(.iso8601)) on" }
        guard let authorities = options.authorities else {
            return "no authority of this system signed it; name yours with ssl_ca_certs"
        }
        return "none of the authorities in ssl_ca_certs=\(authorities) signed it"
    }

    /// Why the server doesn't trust us, or said nothing.
    private static func refusal(_ detail: String, _ options: RedisTLSOptions) -> String {
        let own = options.certificateFile.map { "our certificate in ssl_certfile=\($0)" }
        if let alert = detail.firstMatch(of: /ALERT_([A-Z_]+)|TLSV1_(CERTIFICATE_REQUIRED)/) {
            let reason = (alert.output.1 ?? alert.output.2 ?? "").replacing("_", with: " ").lowercased()
            guard let own else {
                return "the server refused us (\(reason)); if it wants a client's certificate, give ssl_certfile and ssl_keyfile"
            }
            return "the server refused us (\(reason)): \(own) may be signed by an authority that it doesn't know, or be out of date"
        }
        let hint = own.map { "it may not accept \($0)" } ?? "if it wants a client's certificate, give ssl_certfile and ssl_keyfile"
        return "the server ended the connection before it answered; \(hint)\(detail.isEmpty ? "" : " (\(detail))")"
    }
}
