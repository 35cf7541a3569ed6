import Foundation
import NIOSSL
import RedisClient

/// The options' files can't be used; every reason at once.
struct UnusableTLSOptions: Error, CustomStringConvertible {
    let faults: [String]
    var description: String { faults.joined(separator: "; ") }
}

/// The certificates and the key that the options name, as they are in the files at this moment.
struct TLSMaterial {
    private var configuration = TLSConfiguration.makeClientConfiguration()
    private let options: RedisTLSOptions

    /// Reads the files.
    /// - Throws: ``UnusableTLSOptions``, naming options and files, never a password.
    init(_ options: RedisTLSOptions) throws {
        self.options = options
        configuration.minimumTLSVersion = .tlsv12
        configuration.certificateVerification =
            switch options.verification {
            case .full: .fullVerification
            case .signature: .noHostnameVerification
            case .none: .none
            }
        var faults: [String] = []
        if let path = options.authorities {
            if let fault = Self.authoritiesFault(path) { faults.append(fault) }
            configuration.trustRoots = .file(path)
        }
        if let path = options.certificateFile {
            switch Self.certificates("ssl_certfile", path) {
            case .success(let found): configuration.certificateChain = found.map { .certificate($0) }
            case .failure(let fault): faults += fault.faults
            }
            switch Self.key(options) {
            case .success(let found): configuration.privateKey = .privateKey(found)
            case .failure(let fault): faults += fault.faults
            }
        } else if options.keyFile != nil {
            faults.append("ssl_keyfile is given without ssl_certfile, the certificate that it belongs to")
        }
        guard faults.isEmpty else { throw UnusableTLSOptions(faults: faults) }
    }

    /// What connections are made from.
    /// - Throws: ``UnusableTLSOptions``: certificate and key don't belong together.
    func context() throws -> NIOSSLContext {
        do {
            return try NIOSSLContext(configuration: configuration)
        } catch NIOSSLError.failedToLoadPrivateKey {
            throw UnusableTLSOptions(faults: ["\(Self.keyOption(options)) is not the key of the certificate in ssl_certfile=\(options.certificateFile ?? "")"])
        } catch {
            throw UnusableTLSOptions(faults: ["the certificates can't be used: \(error)"])
        }
    }

    // MARK: Files

    private static func authoritiesFault(_ path: String) -> String? {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue {
            return FileManager.default.isReadableFile(atPath: path) ? nil : "ssl_ca_path=\(path) can't be read"
        }
        switch certificates("ssl_ca_certs", path) {
        case .success: return nil
        case .failure(let fault): return fault.description
        }
    }

    private static func certificates(_ option: String, _ path: String) -> Result<[NIOSSLCertificate], UnusableTLSOptions> {
        if let fault = accessFault(option, path) { return .failure(fault) }
        guard let found = try? NIOSSLCertificate.fromPEMFile(path), !found.isEmpty else {
            return .failure(UnusableTLSOptions(faults: ["\(option)=\(path) holds no certificate in PEM form"]))
        }
        return .success(found)
    }

    private static func key(_ options: RedisTLSOptions) -> Result<NIOSSLPrivateKey, UnusableTLSOptions> {
        let path = options.keyFile ?? options.certificateFile ?? ""
        // A certificate's file that isn't there is told once.
        if let fault = accessFault("ssl_keyfile", path) { return .failure(options.keyFile == nil ? UnusableTLSOptions(faults: []) : fault) }
        do {
            // A password is always offered, so that nobody is asked for one on the terminal.
            return .success(try NIOSSLPrivateKey(file: path, format: .pem) { give in give((options.keyPassword ?? "").utf8) })
        } catch {
            let encrypted = (try? String(contentsOfFile: path, encoding: .utf8))?.contains("ENCRYPTED") ?? false
            let reason =
                switch (encrypted, options.keyPassword) {
                case (true, nil): "is encrypted; give ssl_keyfile_password"
                case (true, _): "can't be opened with ssl_keyfile_password"
                case (false, _): "holds no key in PEM form"
                }
            return .failure(UnusableTLSOptions(faults: ["\(keyOption(options)) \(reason)"]))
        }
    }

    private static func keyOption(_ options: RedisTLSOptions) -> String {
        options.keyFile.map { "ssl_keyfile=\($0)" } ?? "ssl_certfile=\(options.certificateFile ?? "") (there is no ssl_keyfile)"
    }

    private static func accessFault(_ option: String, _ path: String) -> UnusableTLSOptions? {
        guard FileManager.default.fileExists(atPath: path) else { return UnusableTLSOptions(faults: ["\(option)=\(path): there is no such file"]) }
        guard FileManager.default.isReadableFile(atPath: path) else { return UnusableTLSOptions(faults: ["\(option)=\(path) may not be read by this user"]) }
        return nil
    }
}
