import Synchronization

/// How bodies are signed, and whose signatures count: Celery's `security_…` settings.
public struct SigningOptions: Sendable, Hashable {
    /// Of what a signature is made: Celery's `security_digest`. Both sides must use the same.
    public enum Digest: String, Sendable, Hashable, CaseIterable {
        /// SHA-256, Celery's default.
        case sha256
        /// SHA-384.
        case sha384
        /// SHA-512.
        case sha512
    }

    /// A PEM file with the RSA key that signs (`security_key`). Default: `nil`, nothing can be signed.
    public var keyFile: String?
    /// The password of the key (`security_key_password`). Never shown.
    public var keyPassword: String?
    /// A PEM file with the key's certificate (`security_certificate`): its issuer and serial number name the signer.
    public var certificateFile: String?
    /// The certificates of those whose signatures count: a folder, or a pattern of file names (`security_cert_store`). Default: `nil`, nothing
    /// can be verified.
    public var certificateStore: String?
    /// Default: SHA-256.
    public var digest: Digest

    /// The defaults are those of the properties.
    public init(
        keyFile: String? = nil, keyPassword: String? = nil, certificateFile: String? = nil, certificateStore: String? = nil, digest: Digest = .sha256
    ) {
        self.keyFile = keyFile
        self.keyPassword = keyPassword
        self.certificateFile = certificateFile
        self.certificateStore = certificateStore
        self.digest = digest
    }
}

extension SigningOptions: CustomStringConvertible, CustomDebugStringConvertible, CustomReflectable {
    /// The files; never the password.
    public var description: String {
        let parts = [("key", keyFile), ("certificate", certificateFile), ("cert_store", certificateStore), ("digest", digest.rawValue)]
        return parts.compactMap { name, value in value.map { "\(name)=\($0)" } }.joined(separator: " ")
    }

    /// The same as `description`.
    public var debugDescription: String { description }
    /// Shows no secret either.
    public var customMirror: Mirror { Mirror(self, children: ["options": description]) }
}

/// What makes the serialiser `auth`; the product ApiumSigning brings it.
public protocol SigningProvider: Sendable {
    /// The serialiser with these files. Without a key it can only verify, without a store only sign.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` with everything that is wrong with the files, never with what is in the key.
    func serializer(_ options: SigningOptions) throws -> Serializer
}

/// The program's way to sign, if it has one.
public enum SigningSupport {
    private static let provider = Mutex<(any SigningProvider)?>(nil)

    /// Makes signing available to all settings that are read from now on.
    public static func install(_ new: any SigningProvider) { provider.withLock { $0 = new } }

    /// What was installed.
    public static var installed: (any SigningProvider)? { provider.withLock { $0 } }
}

extension Serializer {
    /// The name of Celery's signing serialiser.
    public static let signedName = "auth"
    /// The content type of signed bodies.
    public static let signedContentType = "application/data"

    /// Whether this is the signing serialiser.
    public var isSigning: Bool { name == Self.signedName }
}
