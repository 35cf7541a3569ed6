/// A bulk string of a mebibyte or more, while it arrives. Its bytes are collected here and not in hiredis' buffer: from there all of it would be copied
/// when it is whole, and a long message would stand in memory twice.
struct LongReply {
    /// From which length on a reply is collected here.
    static let least = 1 << 20
    /// The server's own bound unless it is told otherwise. What is announced to be longer is not reserved, and hiredis collects it.
    private static let most = 1 << 29

    private(set) var bytes: [UInt8] = []
    /// How many bytes are still to come, the two of the line's end among them.
    private var missing: Int

    /// - Parameter pending: what was received of a reply of the outermost level, behind its first byte. Only a bulk string is not whole though a
    ///   line of it is: the one with its length.
    /// - Returns: `nil` when it is not long, or no bulk string.
    init?(_ pending: UnsafeRawBufferPointer) {
        var length = 0
        var start = 0
        while start < pending.count, let digit = Self.digit(pending[start]), length <= Self.most {
            length = length * 10 + digit
            start += 1
        }
        guard start > 0, length >= Self.least, length <= Self.most, pending.count >= start + 2, pending[start] == 13, pending[start + 1] == 10 else {
            return nil
        }
        missing = length + 2
        bytes.reserveCapacity(length)
        _ = take(UnsafeRawBufferPointer(rebasing: pending[(start + 2)...]))
    }

    /// Whether all of it is there.
    var isWhole: Bool { missing == 0 }

    /// Takes what belongs to it; answers how many bytes that were.
    mutating func take(_ received: UnsafeRawBufferPointer) -> Int {
        let count = min(received.count, missing)
        bytes.append(contentsOf: UnsafeRawBufferPointer(rebasing: received[..<min(count, max(missing - 2, 0))]))
        missing -= count
        return count
    }

    private static func digit(_ byte: UInt8) -> Int? { (48...57).contains(byte) ? Int(byte) - 48 : nil }
}
