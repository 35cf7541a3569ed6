import RedisClient

/// TLS for Redis (`rediss://`), as a module of its own: a program that doesn't name it builds and links no TLS library.
public enum RedisTLS {
    /// Lets every connection to Redis that this process opens from now on be encrypted. Call it first in `main`; calling it again changes nothing.
    public static func enable() { RedisTLSSupport.install(NIOSSLProvider()) }
}
