import NIOCore

/// A value that can be an argument of a command: text, bytes or a number.
public protocol RedisArgument {
    /// Appends the argument as a RESP bulk string.
    func encode(into buffer: inout ByteBuffer)
}

extension ByteBuffer {
    /// Appends `<mark><number>\r\n`: the header of a bulk string (`$`) or of an array (`*`).
    mutating func writeHeader(_ mark: Unicode.Scalar, _ number: Int) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: Self.headerLimit) { Self.header(mark, number, into: $0) }
    }

    /// One piece with its header: arguments are many and short.
    mutating func writeBulk(_ bytes: UnsafeRawBufferPointer) {
        writeWithUnsafeMutableBytes(minimumWritableBytes: Self.headerLimit + bytes.count + 2) { output in
            let start = Self.header("$", bytes.count, into: output)
            UnsafeMutableRawBufferPointer(rebasing: output[start...]).copyMemory(from: bytes)
            output[start + bytes.count] = UInt8(ascii: "\r")
            output[start + bytes.count + 1] = UInt8(ascii: "\n")
            return start + bytes.count + 2
        }
    }

    /// A mark, twenty digits and the end of the line are shorter.
    private static let headerLimit = 24

    @inline(__always)
    private static func header(_ mark: Unicode.Scalar, _ number: Int, into bytes: UnsafeMutableRawBufferPointer) -> Int {
        bytes[0] = UInt8(ascii: mark)
        var digits = 1
        var rest = number
        while rest >= 10 {
            rest /= 10
            digits += 1
        }
        rest = number
        for place in stride(from: digits, to: 0, by: -1) {
            bytes[place] = UInt8(ascii: "0") + UInt8(truncatingIfNeeded: rest % 10)
            rest /= 10
        }
        bytes[digits + 1] = UInt8(ascii: "\r")
        bytes[digits + 2] = UInt8(ascii: "\n")
        return digits + 3
    }

    mutating func writeBulk(_ text: String) {
        var text = text
        text.withUTF8 { writeBulk(UnsafeRawBufferPointer($0)) }
    }
}

extension String: RedisArgument {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) { buffer.writeBulk(self) }
}

extension Substring: RedisArgument {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) {
        var text = self
        text.withUTF8 { buffer.writeBulk(UnsafeRawBufferPointer($0)) }
    }
}

extension Array: RedisArgument where Element == UInt8 {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) {
        withUnsafeBytes { buffer.writeBulk($0) }
    }
}

extension ArraySlice: RedisArgument where Element == UInt8 {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) {
        withUnsafeBytes { buffer.writeBulk($0) }
    }
}

extension ByteBuffer: RedisArgument {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) {
        withUnsafeReadableBytes { buffer.writeBulk($0) }
    }
}

extension Int: RedisArgument {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) { buffer.writeBulk(String(self)) }
}

extension Int64: RedisArgument {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) { buffer.writeBulk(String(self)) }
}

extension UInt64: RedisArgument {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) { buffer.writeBulk(String(self)) }
}

extension Double: RedisArgument {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) { buffer.writeBulk(String(self)) }
}
