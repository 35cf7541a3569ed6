import Foundation

/// Conversion to UTF-8 by the system's iconv.
enum CharsetConversion {
    static func isKnown(_ charset: String) -> Bool {
        withConverter(charset) { _ in true } ?? false
    }

    /// The bytes as UTF-8; nil when the charset is unknown. Bytes that the charset does not know become U+FFFD one by one.
    static func utf8(from charset: String, _ bytes: [UInt8]) -> [UInt8]? {
        withConverter(charset) { converter in
            var input = bytes
            var output: [UInt8] = []
            output.reserveCapacity(bytes.count * 2)
            var buffer = [UInt8](repeating: 0, count: 32 << 10)
            input.withUnsafeMutableBytes { convert($0, with: converter, through: &buffer, into: &output) }
            return output
        }
    }

    private static func convert(
        _ input: UnsafeMutableRawBufferPointer, with converter: iconv_t, through buffer: inout [UInt8], into output: inout [UInt8]
    ) {
        var next = input.baseAddress?.assumingMemoryBound(to: CChar.self)
        var left = input.count
        while left > 0 {
            var failure: Int32 = 0
            let written = buffer.withUnsafeMutableBytes { space -> Int in
                var place = space.baseAddress?.assumingMemoryBound(to: CChar.self)
                var room = space.count
                if iconv(converter, &next, &left, &place, &room) == Int.max || left > 0 { failure = errno }
                return space.count - room
            }
            output.append(contentsOf: buffer[..<written])
            // With E2BIG the buffer was full and the loop goes on; any other fault is the byte that is next.
            if left > 0, failure != E2BIG {
                output += [0xEF, 0xBF, 0xBD]
                next = next?.advanced(by: 1)
                left -= 1
            }
        }
    }

    private static func withConverter<T>(_ charset: String, _ body: (iconv_t) -> T) -> T? {
        guard let converter = iconv_open("UTF-8", charset), Int(bitPattern: converter) != -1 else { return nil }
        defer { iconv_close(converter) }
        return body(converter)
    }
}
