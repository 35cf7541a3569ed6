import HTTPTypes
public import Hummingbird
import Logging
import NIOCore

/// What Hummingbird gives a request.
public struct APIContext: Sendable, InitializableFromSource {
    /// Where it came from; other routers on the same server make their own contexts of it.
    public var source: ApplicationRequestContextSource { ApplicationRequestContextSource(channel: channel, logger: logger) }

    private let channel: any Channel
    let logger: Logger

    /// Takes what the server gives.
    public init(source: ApplicationRequestContextSource) {
        channel = source.channel
        logger = source.logger
    }

    /// The client's address without its port: what the proxy says in `X-Real-IP`, if the request comes from this host or a
    /// private network, where the proxy stands; else the connection's own. Empty when unknown.
    public func clientAddress(of request: Request) -> String {
        let peer = channel.remoteAddress?.ipAddress ?? ""
        guard Self.isPrivate(peer), let name = HTTPField.Name("X-Real-IP"), let said = request.headers[name],
            (try? SocketAddress(ipAddress: said, port: 0)) != nil
        else { return peer }
        return said
    }

    static func isPrivate(_ address: String) -> Bool {
        let plain = address.hasPrefix("::ffff:") ? String(address.dropFirst(7)) : address
        let parts = plain.split(separator: ".").compactMap { UInt8($0) }
        guard parts.count == 4 else { return plain == "::1" || plain.hasPrefix("fc") || plain.hasPrefix("fd") }
        return parts[0] == 127 || parts[0] == 10 || parts[0] == 192 && parts[1] == 168 || parts[0] == 172 && (16...31).contains(parts[1])
    }
}

/// Another router on the same server, for example the admin.
public struct Mount: Sendable {
    /// Its path: `/admin` takes `/admin` and everything below `/admin/`.
    public var prefix: String
    /// Answers a request.
    public var respond: @Sendable (Request, APIContext) async throws -> Response

    /// Makes a mount.
    public init(_ prefix: String, respond: @escaping @Sendable (Request, APIContext) async throws -> Response) {
        self.prefix = prefix
        self.respond = respond
    }

    func takes(_ path: String) -> Bool { path == prefix || path.hasPrefix(prefix + "/") }
}
