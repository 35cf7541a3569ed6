import NIOCore
import NIOSSL
import RedisClient

/// Stands behind the encryption until the first byte of the server has come, and says in words why none comes.
///
/// A server that wants a client certificate refuses after our side of the handshake is done, and may reset the connection before its
/// reason has been read: so what ends a connection on which nothing was heard yet counts as a failed handshake, too.
/// Confined to its channel's event loop.
final class HandshakeWitness: ChannelInboundHandler {
    typealias InboundIn = ByteBuffer
    typealias InboundOut = ByteBuffer

    private let encryption: NIOSSLClientHandler
    private let host: String
    private let options: RedisTLSOptions
    private var isOver = false

    init(encryption: NIOSSLClientHandler, host: String, options: RedisTLSOptions) {
        self.encryption = encryption
        self.host = host
        self.options = options
    }

    func channelRead(context: ChannelHandlerContext, data: NIOAny) {
        isOver = true
        context.fireChannelRead(data)
    }

    func errorCaught(context: ChannelHandlerContext, error: any Error) {
        guard !isOver else { return context.fireErrorCaught(error) }
        isOver = true
        let certificate = encryption.peerCertificate.map(ShownCertificate.init)
        context.fireErrorCaught(HandshakeFailure(error, certificate: certificate, host: host, options: options))
    }

    func channelInactive(context: ChannelHandlerContext) {
        if !isOver {
            isOver = true
            context.fireErrorCaught(HandshakeFailure(nil, certificate: nil, host: host, options: options))
        }
        context.fireChannelInactive()
    }
}
