/// A Lua script: its text, and the hash by which the server remembers it.
///
/// Scripts are sent by hash. A server that restarted or whose cache was flushed answers NOSCRIPT without running anything; the
/// connection then sends the text, so callers never see NOSCRIPT. In a pipeline the repaired script runs after the commands that
/// followed it; what must stay in order belongs into one script.
public struct RedisScript: Sendable, Hashable {
    /// A short name for messages, such as `claim`.
    public let name: String
    /// The Lua text.
    public let source: String
    /// The SHA-1 of the text in lower-case hexadecimal digits, as `SCRIPT LOAD` answers it.
    public let sha1: String

    /// Names `source` and computes its hash.
    public init(name: String, source: String) {
        self.name = name
        self.source = source
        self.sha1 = SHA1.hexadecimal(Array(source.utf8))
    }
}
