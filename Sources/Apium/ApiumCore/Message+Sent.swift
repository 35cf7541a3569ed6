extension Message {
    /// When it was sent, to the millisecond and on the sender's clock: first, or again by a retry. Going back to its queue changes nothing.
    /// `nil` for a sender that does not say so.
    ///
    /// Ours does: the delivery tags that it makes are UUIDs of version 7, which begin with their time (RFC 9562, 5.7). kombu's are of version 4.
    public var sentAt: Timestamp? { properties.deliveryTag.flatMap(JobID.time(of:)) }
}

extension JobID {
    /// The time in a version 7 UUID; `nil` for any other text.
    static func time(of text: String) -> Timestamp? {
        let bytes = Array(text.utf8)
        guard bytes.count == 36, bytes[14] == UInt8(ascii: "7"), [8, 13, 18, 23].allSatisfy({ bytes[$0] == UInt8(ascii: "-") }) else { return nil }
        guard let milliseconds = Int64(String(decoding: bytes[0..<8] + bytes[9..<13], as: UTF8.self), radix: 16) else { return nil }
        return Timestamp(microseconds: milliseconds * 1000)
    }
}
