extension Message {
    /// When it was sent, to the millisecond and on the sender's clock: first, or again by a retry. Going back to its queue changes nothing.
    /// `nil` for a sender that does not say so.
    ///
    /// Ours does: the delivery tags that it makes are UUIDs of version 7, which begin with their time (RFC 9562, 5.7). kombu's are of version 4.
    public var sentAt: Timestamp? { properties.deliveryTag.flatMap(JobID.time(of:)) }

    /// Since when it could have run: when it was sent, or the ETA that it names if that is later. `nil` for a sender that does not say when it
    /// sent it.
    public var readySince: Timestamp? {
        guard let sentAt else { return nil }
        return max(sentAt, headers.eta.flatMap { Timestamp(iso8601: $0) } ?? sentAt)
    }
}

extension JobID {
    /// The time in a version 7 UUID; `nil` for any other text.
    static func time(of text: String) -> Timestamp? {
        // Each job's wait is told by it: it allocates nothing.
        var text = text
        return text.withUTF8 { bytes in
            guard bytes.count == 36, bytes[14] == UInt8(ascii: "7") else { return nil }
            let dash = UInt8(ascii: "-")
            guard bytes[8] == dash, bytes[13] == dash, bytes[18] == dash, bytes[23] == dash else { return nil }
            var milliseconds: Int64 = 0
            for place in 0..<13 where place != 8 {
                guard let digit = hexDigit(bytes[place]) else { return nil }
                milliseconds = milliseconds << 4 | digit
            }
            return Timestamp(microseconds: milliseconds * 1000)
        }
    }

    private static func hexDigit(_ byte: UInt8) -> Int64? {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"): Int64(byte - UInt8(ascii: "0"))
        case UInt8(ascii: "a")...UInt8(ascii: "f"): Int64(byte - UInt8(ascii: "a") + 10)
        case UInt8(ascii: "A")...UInt8(ascii: "F"): Int64(byte - UInt8(ascii: "A") + 10)
        default: nil
        }
    }
}
