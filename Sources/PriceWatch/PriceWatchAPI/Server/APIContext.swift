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
