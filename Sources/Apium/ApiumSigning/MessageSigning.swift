import ApiumCore

/// Signed bodies, as Celery's serialiser `auth` writes and reads them; a module of its own: a program that doesn't name it builds and links no
/// cryptography.
public enum MessageSigning {
    /// Lets `task_serializer` and `accept_content` be `auth` in all settings that this process reads from now on. Call it first in `main`;
    /// calling it again changes nothing.
    public static func enable() { SigningSupport.install(Provider()) }

    private struct Provider: SigningProvider {
        func serializer(_ options: SigningOptions) throws -> Serializer { try .auth(options) }
    }
}

extension Serializer {
    /// Celery's serialiser `auth` around JSON: bodies are signed with a key, and read when somebody signed them whose certificate is in the store.
    ///
    /// What is signed is the body: the arguments of a job and what follows it, not its name, its id or its other headers.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` with everything that is wrong with the files.
    public static func auth(_ options: SigningOptions) throws -> Serializer {
        let (signer, store) = try SigningMaterial(options).load()
        let digest = options.digest
        return Serializer(
            name: signedName, contentType: signedContentType,
            encode: { value in
                guard let signer else { throw ApiumError(.invalidConfiguration, "bodies cannot be signed without security_key and security_certificate") }
                let body = value.encoded()
                return SignedContent(signer: signer.id, signature: try signer.sign(body, digest), body: body).encoded()
            },
            decode: { bytes in
                guard let store else { throw ApiumError(.invalidConfiguration, "signatures cannot be verified without security_cert_store") }
                let content = try SignedContent(decoding: bytes)
                try store.verify(content, digest)
                return try content.value()
            })
    }
}
