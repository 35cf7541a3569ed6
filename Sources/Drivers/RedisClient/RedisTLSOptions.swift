/// How a connection is encrypted (`rediss://`). The names in the URL's query are those of Python's client, `ssl_…`.
public struct RedisTLSOptions: Sendable, Hashable {
    /// What of the server's certificate is checked.
    public enum Verification: String, Sendable, Hashable {
        /// It is signed by a known authority and made out to the host: `ssl_cert_reqs=required`, the default.
        case full
        /// It is signed by a known authority, whoever it is made out to: `ssl_check_hostname=false`.
        case signature
        /// Nothing: `ssl_cert_reqs=none`. Whoever stands between can read and change everything.
        case none
    }

    /// What of the server's certificate is checked. Default: ``Verification/full``.
    public var verification: Verification
    /// A PEM file of authorities, or a folder of them (`ssl_ca_certs`, `ssl_ca_path`). Default: `nil`, those of the system.
    public var authorities: String?
    /// A PEM file with the client's certificate, and those of its authorities behind it (`ssl_certfile`). Default: `nil`, none is shown.
    public var certificateFile: String?
    /// A PEM file with the key of the client's certificate (`ssl_keyfile`). Default: `nil`, it stands in the certificate's file.
    public var keyFile: String?
    /// The password of the key (`ssl_keyfile_password`). Never shown.
    public var keyPassword: String?

    /// The defaults are those of the properties.
    public init(
        verification: Verification = .full, authorities: String? = nil, certificateFile: String? = nil, keyFile: String? = nil, keyPassword: String? = nil
    ) {
        self.verification = verification
        self.authorities = authorities
        self.certificateFile = certificateFile
        self.keyFile = keyFile
        self.keyPassword = keyPassword
    }

    /// Takes the `ssl_…` options out of a query or a Celery setting such as `broker_use_ssl`.
    ///
    /// - Throws: `RedisClientError` with code `invalidURL`, naming every option that is wrong; never a password.
    public init(taking options: inout [String: String]) throws {
        self.init()
        var faults: [String] = []
        if let text = options.removeValue(forKey: "ssl_cert_reqs") {
            if let known = Self.verification(text) {
                verification = known
            } else {
                faults.append("has ssl_cert_reqs='\(text)'; it is required, optional or none")
            }
        }
        if let text = options.removeValue(forKey: "ssl_check_hostname") {
            switch RedisConfiguration.knownFlag(text) {
            case nil: faults.append("has ssl_check_hostname='\(text)'; it is true or false")
            case false? where verification == .full: verification = .signature
            case _?: break
            }
        }
        let file = options.removeValue(forKey: "ssl_ca_certs")
        authorities = file ?? options.removeValue(forKey: "ssl_ca_path")
        certificateFile = options.removeValue(forKey: "ssl_certfile")
        keyFile = options.removeValue(forKey: "ssl_keyfile")
        keyPassword = options.removeValue(forKey: "ssl_keyfile_password") ?? options.removeValue(forKey: "ssl_password")
        for unknown in options.keys.filter({ $0.hasPrefix("ssl_") }).sorted() {
            faults.append("has the option '\(unknown)'; known are \(Self.names.joined(separator: ", "))")
        }
        if keyFile != nil, certificateFile == nil { faults.append("has ssl_keyfile without ssl_certfile") }
        guard faults.isEmpty else { throw RedisConfiguration.invalid(faults.joined(separator: ", and ")) }
    }

    /// The options' names.
    static let names = ["ssl_cert_reqs", "ssl_check_hostname", "ssl_ca_certs", "ssl_ca_path", "ssl_certfile", "ssl_keyfile", "ssl_keyfile_password"]

    private static func verification(_ text: String) -> Verification? {
        switch text.lowercased() {
        // On a client's side Python treats "optional" as "required": a server always shows a certificate.
        case "required", "cert_required", "optional", "cert_optional": .full
        case "none", "cert_none": Verification.none
        default: nil
        }
    }
}

extension RedisTLSOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// Everything but the key's password.
    public var description: String {
        let files = [("authorities", authorities), ("certificate", certificateFile), ("key", keyFile)]
        return (["verification \(verification.rawValue)"] + files.compactMap { name, file in file.map { "\(name) \($0)" } }).joined(separator: ", ")
    }

    /// The same as `description`.
    public var debugDescription: String { description }
    /// Shows no password either.
    public var customMirror: Mirror { Mirror(self, children: ["options": description]) }
}
