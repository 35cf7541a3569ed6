import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Darwin)
    import Darwin
#endif

/// New ids of jobs and deliveries.
public enum JobID {
    /// A version 4 UUID in lower case: 122 random bits of the system's source.
    @Sendable public static func make() -> String {
        var bytes = source.withLock { $0.draw() }
        bytes[6] = bytes[6] & 0x0F | 0x40
        bytes[8] = bytes[8] & 0x3F | 0x80
        return text(bytes)
    }

    /// A version 7 UUID: 48 bits of the time in milliseconds, and 74 random bits. For delivery tags: ``Message/sentAt`` reads the time again.
    static func makeTimed(at now: Timestamp = .now()) -> String { text(timed(at: now)) }

    /// Appends one, see ``makeTimed(at:)``.
    static func writeTimed(at now: Timestamp = .now(), to output: inout [UInt8]) {
        let bytes = timed(at: now)
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 36) { text in
            write(bytes, to: text)
            output.append(contentsOf: UnsafeBufferPointer(text))
        }
    }

    private static func timed(at now: Timestamp) -> InlineUUID {
        var bytes = source.withLock { $0.draw() }
        let milliseconds = UInt64(bitPattern: max(0, now.microseconds / 1000))
        for index in 0..<6 { bytes[index] = UInt8(truncatingIfNeeded: milliseconds >> UInt64(40 - index * 8)) }
        bytes[6] = bytes[6] & 0x0F | 0x70
        bytes[8] = bytes[8] & 0x3F | 0x80
        return bytes
    }

    /// Drawn 4 kB at a time, because a system call for each id costs more than all the rest of it.
    private static let source = Mutex(RandomBuffer())

    private static func text(_ bytes: InlineUUID) -> String {
        String(unsafeUninitializedCapacity: 36) { output in
            write(bytes, to: output)
            return 36
        }
    }

    private static func write(_ bytes: InlineUUID, to output: UnsafeMutableBufferPointer<UInt8>) {
        var position = 0
        for index in 0..<16 {
            if index == 4 || index == 6 || index == 8 || index == 10 {
                output[position] = UInt8(ascii: "-")
                position += 1
            }
            output[position] = digit(bytes[index] >> 4)
            output[position + 1] = digit(bytes[index] & 15)
            position += 2
        }
    }

    private static func digit(_ value: UInt8) -> UInt8 { value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10 }
}

/// Sixteen bytes without an allocation.
private struct InlineUUID {
    private var high: UInt64
    private var low: UInt64

    init(high: UInt64, low: UInt64) {
        self.high = high
        self.low = low
    }

    subscript(index: Int) -> UInt8 {
        get { UInt8(truncatingIfNeeded: (index < 8 ? high : low) >> UInt64(56 - index % 8 * 8)) }
        set {
            let shift = UInt64(56 - index % 8 * 8)
            if index < 8 {
                high = high & ~(0xFF << shift) | UInt64(newValue) << shift
            } else {
                low = low & ~(0xFF << shift) | UInt64(newValue) << shift
            }
        }
    }
}

/// Random words, fetched in bulk; each is handed out once and then wiped.
private struct RandomBuffer {
    private var words = [UInt64](repeating: 0, count: 512)
    private var next = 512

    mutating func draw() -> InlineUUID {
        if next + 2 > words.count { refill() }
        defer {
            words[next] = 0
            words[next + 1] = 0
            next += 2
        }
        return InlineUUID(high: words[next], low: words[next + 1])
    }

    private mutating func refill() {
        next = 0
        let filled = words.withUnsafeMutableBytes { bytes in
            // 256 bytes are all that one call gives.
            stride(from: 0, to: bytes.count, by: 256).allSatisfy { RandomBuffer.fill(bytes[$0..<$0 + 256]) }
        }
        guard !filled else { return }
        var generator = SystemRandomNumberGenerator()
        for index in words.indices { words[index] = generator.next() }
    }

    private static func fill(_ slice: Slice<UnsafeMutableRawBufferPointer>) -> Bool {
        guard let start = UnsafeMutableRawBufferPointer(rebasing: slice).baseAddress else { return false }
        return getentropy(start, slice.count) == 0
    }
}
