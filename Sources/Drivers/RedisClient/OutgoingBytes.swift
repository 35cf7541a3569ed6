import NIOCore

/// What is written next: small commands are copied one behind the other, the arguments of large ones stand in buffers of their own, as they are.
struct OutgoingBytes: Sendable {
    /// From this size on a copy costs more than another piece of a write.
    static let shared = 16 * 1024

    private var full: [ByteBuffer] = []
    /// Takes what is small.
    var tail = ByteBuffer()

    /// How many of them are not copied.
    var sharedCount: Int { full.count }

    var isEmpty: Bool { full.isEmpty && tail.readableBytes == 0 }

    /// Appends a buffer without copying it.
    mutating func share(_ buffer: ByteBuffer) {
        full.append(tail)
        full.append(buffer)
        tail = ByteBuffer()
    }

    /// All of it, in order.
    var pieces: [ByteBuffer] { (full + [tail]).filter { $0.readableBytes > 0 } }
}
