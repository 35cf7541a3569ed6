import NIOCore
import NIOSSL
import RedisClient

/// RedisClient's port for TLS, over swift-nio-ssl.
struct NIOSSLProvider: RedisTLSProvider {
    func faults(of options: RedisTLSOptions) -> [String] {
        do {
            _ = try TLSMaterial(options).context()
            return []
        } catch let error as UnusableTLSOptions {
            return error.faults
        } catch {
            return ["\(error)"]
        }
    }

    func prepare(_ options: RedisTLSOptions, host: String) throws -> Installer {
        let context = try TLSMaterial(options).context()
        // An address of digits has no place in the server's name indication; the certificate is then checked against the address.
        let name = (try? SocketAddress(ipAddress: host, port: 0)) == nil ? host : nil
        return { channel in
            let encryption = try NIOSSLClientHandler(context: context, serverHostname: name)
            let pipeline = channel.pipeline.syncOperations
            try pipeline.addHandler(encryption)
            try pipeline.addHandler(HandshakeWitness(encryption: encryption, host: host, options: options))
        }
    }

    func explanation(of error: any Error) -> String? { (error as? HandshakeFailure)?.description }
}
