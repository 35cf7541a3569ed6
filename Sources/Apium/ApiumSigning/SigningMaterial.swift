import ApiumCore
import Foundation

/// Reads the files of the settings; everything that is wrong with them is told at once, each with its setting.
struct SigningMaterial {
    private let options: SigningOptions
    private var faults: [String] = []

    init(_ options: SigningOptions) { self.options = options }

    /// - Throws: ``ApiumError`` `invalidConfiguration`.
    func load() throws -> (signer: Signer?, store: CertificateStore?) {
        var reading = self
        let (signer, store) = (reading.signer(), reading.store())
        guard reading.faults.isEmpty else { throw ApiumError(.invalidConfiguration, reading.faults.joined(separator: "\n")) }
        return (signer, store)
    }

    private mutating func signer() -> Signer? {
        guard let keyFile = options.keyFile, let certificateFile = options.certificateFile else { return nil }
        let certificate = certificate(certificateFile, of: "security_certificate")
        guard let pem = text(of: keyFile, "security_key"), let certificate else { return nil }
        do {
            return try Signer(pem: pem, password: options.keyPassword, certificate: certificate)
        } catch {
            faults.append("security_key: \(keyFile) \(error.reason)")
            return nil
        }
    }

    private mutating func store() -> CertificateStore? {
        guard let path = options.certificateStore else { return nil }
        let files = Self.files(path)
        if files.isEmpty { faults.append("security_cert_store: there is no file in \(path)") }
        let certificates = files.compactMap { file in certificate(file, of: "security_cert_store").map { (file, $0) } }
        for (id, same) in Dictionary(grouping: certificates, by: { $0.1.id }) where same.count > 1 {
            faults.append("security_cert_store: \(same.map(\.0).joined(separator: " and ")) hold the same certificate, '\(id)'")
        }
        return CertificateStore(certificates.map(\.1))
    }

    private mutating func certificate(_ path: String, of setting: String) -> SignerCertificate? {
        guard let pem = text(of: path, setting) else { return nil }
        do {
            return try SignerCertificate(pem: pem)
        } catch {
            faults.append("\(setting): \(path) \(error.reason)")
            return nil
        }
    }

    private mutating func text(of path: String, _ setting: String) -> String? {
        guard let data = FileManager.default.contents(atPath: path), let text = String(validating: data, as: UTF8.self) else {
            faults.append("\(setting): \(path) cannot be read")
            return nil
        }
        return text
    }

    /// The files of a folder that are not hidden, or those of a pattern, as Python's glob finds them.
    private static func files(_ path: String) -> [String] {
        var isFolder: ObjCBool = false
        let exists = FileManager.default.fileExists(atPath: path, isDirectory: &isFolder)
        var found = glob_t()
        defer { globfree(&found) }
        guard glob(exists && isFolder.boolValue ? path + "/*" : path, 0, nil, &found) == 0, let names = found.gl_pathv else { return [] }
        return (0..<Int(found.gl_pathc)).compactMap { names[$0].map { String(cString: $0) } }
    }
}
