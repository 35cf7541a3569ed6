/// Cuts a stream of bytes into frames: four bytes of length, the most significant first, then as many bytes of payload.
struct FrameReader: Sendable {
    /// What is wrong with a stream that holds no frames: it cannot be read on.
    enum Fault: Error, Hashable {
        /// A length beyond the limit: not a frame, or one that nobody may send.
        case tooLong(Int)
    }

    /// The longest payload that is sent or taken: 64 MiB, as long as a JSON text may be.
    static let limit = 64 << 20

    private var bytes: [UInt8] = []
    private var start = 0
    private let limit: Int

    init(limit: Int = FrameReader.limit) { self.limit = limit }

    /// Whether a frame has begun and is not complete.
    var isInside: Bool { start < bytes.count }

    /// Takes what was read.
    mutating func append(_ new: some Collection<UInt8>) { bytes.append(contentsOf: new) }

    /// The next complete payload, or `nil` until more is read.
    mutating func next() throws(Fault) -> [UInt8]? {
        guard bytes.count - start >= 4 else { return nil }
        let length = bytes[start..<start + 4].reduce(0) { $0 << 8 | Int($1) }
        guard length <= limit else { throw .tooLong(length) }
        guard bytes.count - start - 4 >= length else { return nil }
        let payload = Array(bytes[start + 4..<start + 4 + length])
        start += 4 + length
        compact()
        return payload
    }

    /// Lets go of what was read, once it is the greater part.
    private mutating func compact() {
        if start == bytes.count {
            bytes.removeAll(keepingCapacity: bytes.capacity <= 1 << 16)
            start = 0
        } else if start > 1 << 16, start > bytes.count / 2 {
            bytes.removeFirst(start)
            start = 0
        }
    }

    /// The bytes of a frame.
    static func frame(_ payload: [UInt8]) throws(Fault) -> [UInt8] {
        guard payload.count <= limit else { throw .tooLong(payload.count) }
        let length = UInt32(payload.count)
        return [UInt8(length >> 24), UInt8(truncatingIfNeeded: length >> 16), UInt8(truncatingIfNeeded: length >> 8), UInt8(truncatingIfNeeded: length)]
            + payload
    }
}
