import NIOCore

/// A value that can be an argument of a command: text, bytes or a number.
public protocol RedisArgument {
    /// Appends the argument as a RESP bulk string.
    func encode(into buffer: inout ByteBuffer)
}

extension ByteBuffer {
    /// Appends a bulk string's header, `$<length>\r\n`.
    mutating func writeBulkHeader(_ count: Int) {
        writeInteger(UInt8(ascii: "$"))
        writeDecimal(count)
        writeStaticString("\r\n")
    }

    /// Appends a number in decimal digits. Short texts are stored inline by Swift: this allocates nothing for lengths.
    mutating func writeDecimal(_ value: some BinaryInteger) {
        writeString(String(value))
    }

    mutating func writeBulk(_ text: String) {
        writeBulkHeader(text.utf8.count)
        writeString(text)
        writeStaticString("\r\n")
    }
}

extension String: RedisArgument {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) { buffer.writeBulk(self) }
}

extension Substring: RedisArgument {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.writeBulkHeader(utf8.count)
        buffer.writeSubstring(self)
        buffer.writeStaticString("\r\n")
    }
}

extension Array: RedisArgument where Element == UInt8 {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.writeBulkHeader(count)
        buffer.writeBytes(self)
        buffer.writeStaticString("\r\n")
    }
}

extension ArraySlice: RedisArgument where Element == UInt8 {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.writeBulkHeader(count)
        buffer.writeBytes(self)
        buffer.writeStaticString("\r\n")
    }
}

extension ByteBuffer: RedisArgument {
    /// Appends the value as a bulk string.
    public func encode(into buffer: inout ByteBuffer) {
        buffer.writeBulkHeader(readableBytes)
        buffer.writeImmutableBuffer(self)
        buffer.writeStaticString("\r\n")
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
