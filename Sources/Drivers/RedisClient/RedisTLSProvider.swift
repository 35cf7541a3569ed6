import NIOCore
import Synchronization

/// Puts TLS under connections. The implementation is in the module RedisTLS, so that programs without it don't link a TLS library.
public protocol RedisTLSProvider: Sendable {
    /// Adds the handlers that encrypt to a new channel, on its event loop, before any other.
    typealias Installer = @Sendable (any Channel) throws -> Void

    /// Reads the certificates and makes ready for one connection. May block: it is called on a thread of its own kind.
    /// - Parameter host: The name in the address, against which the server's certificate is checked.
    /// - Throws: An error whose description says which file or option is wrong.
    func prepare(_ options: RedisTLSOptions, host: String) throws -> Installer

    /// Every reason why the options can't be used: files that are missing, unreadable, or don't belong together. Empty: they can.
    /// Reads files; no password is shown.
    func faults(of options: RedisTLSOptions) -> [String]

    /// What an error of the handlers means, in words; nil if it isn't one of theirs.
    func explanation(of error: any Error) -> String?
}

/// Where the program's TLS is registered.
public enum RedisTLSSupport {
    private static let provider = Mutex<(any RedisTLSProvider)?>(nil)

    /// Makes TLS available to all connections that are opened from now on.
    public static func install(_ new: any RedisTLSProvider) { provider.withLock { $0 = new } }

    /// What was installed.
    public static var installed: (any RedisTLSProvider)? { provider.withLock { $0 } }

    /// Every reason why connections with these options will fail before a server is asked; see ``RedisTLSProvider/faults(of:)``.
    public static func faults(of options: RedisTLSOptions) -> [String] { installed?.faults(of: options) ?? [missing.message] }

    static let missing = RedisClientError(
        .notSupported,
        "this program is built without TLS, which rediss:// needs; add the product RedisTLS to its target and call RedisTLS.enable() before connecting")
}
