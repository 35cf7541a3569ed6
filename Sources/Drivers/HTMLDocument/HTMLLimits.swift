/// What a page may cost.
public struct HTMLLimits: Sendable, Equatable {
    /// The largest page in bytes; 8 MiB by default.
    public var bytes: Int
    /// The most attributes of one element; 1,000 by default. libxml2 compares each with all before it.
    public var attributes: Int
    /// The most steps of one XPath evaluation; 5 million by default.
    public var xpathSteps: Int
    /// The longest text that one node gives, in bytes; 2 MiB by default, longer ones are cut.
    public var textBytes: Int

    /// Makes limits from the defaults and what differs from them.
    public init(bytes: Int = 8 << 20, attributes: Int = 1000, xpathSteps: Int = 5_000_000, textBytes: Int = 2 << 20) {
        self.bytes = bytes
        self.attributes = attributes
        self.xpathSteps = xpathSteps
        self.textBytes = textBytes
    }
}
