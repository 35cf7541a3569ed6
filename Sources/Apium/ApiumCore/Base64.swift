/// Base 64 as the message body uses it: the standard alphabet, with padding.
package enum Base64 {
    private static let alphabet = Array("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/".utf8)

    /// The value of each byte; 0xFF for bytes outside of the alphabet.
    private static let values: [UInt8] = {
        var values = [UInt8](repeating: 0xFF, count: 256)
        for (value, byte) in alphabet.enumerated() { values[Int(byte)] = UInt8(value) }
        return values
    }()

    /// Appends the text of `bytes`.
    package static func encode(_ bytes: [UInt8], into output: inout [UInt8]) {
        output.reserveCapacity(output.count + (bytes.count + 2) / 3 * 4)
        var index = 0
        while index < bytes.count {
            let rest = bytes.count - index
            let second = rest > 1 ? bytes[index + 1] : 0
            let third = rest > 2 ? bytes[index + 2] : 0
            output.append(alphabet[Int(bytes[index] >> 2)])
            output.append(alphabet[Int((bytes[index] & 3) << 4 | second >> 4)])
            output.append(rest > 1 ? alphabet[Int((second & 15) << 2 | third >> 6)] : UInt8(ascii: "="))
            output.append(rest > 2 ? alphabet[Int(third & 63)] : UInt8(ascii: "="))
            index += 3
        }
    }

    /// The bytes of a text; `nil` when it is no base 64. Line ends between groups are skipped, as Python does.
    package static func decode(_ text: [UInt8]) -> [UInt8]? { text.withUnsafeBufferPointer { decode($0) } }

    /// The bytes of a text that stands somewhere.
    package static func decode(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? { decodePlain(text) ?? decodeSlowly(text) }

    /// Whole groups with padding at the end alone; `nil` for everything else.
    private static func decodePlain(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        guard text.count >= 4, text.count.isMultiple(of: 4) else { return nil }
        let padding = text[text.count - 1] != UInt8(ascii: "=") ? 0 : text[text.count - 2] != UInt8(ascii: "=") ? 1 : 2
        let groups = text.count / 4 - (padding > 0 ? 1 : 0)
        let size = text.count / 4 * 3 - padding
        var isPlain = true
        let output = [UInt8](unsafeUninitializedCapacity: size) { output, count in
            values.withUnsafeBufferPointer { values in
                // The highest bit of any value says that its byte is outside of the alphabet.
                var faults: UInt32 = 0
                func group(_ at: Int) -> UInt32 {
                    let (a, b) = (UInt32(values[Int(text[at])]), UInt32(values[Int(text[at + 1])]))
                    let (c, d) = (UInt32(values[Int(text[at + 2])]), UInt32(values[Int(text[at + 3])]))
                    faults |= a | b | c | d
                    return a << 18 | b << 12 | c << 6 | d
                }
                for index in 0..<groups {
                    let bits = group(index * 4)
                    output[index * 3] = UInt8(truncatingIfNeeded: bits >> 16)
                    output[index * 3 + 1] = UInt8(truncatingIfNeeded: bits >> 8)
                    output[index * 3 + 2] = UInt8(truncatingIfNeeded: bits)
                }
                if padding > 0 {
                    let (a, b) = (UInt32(values[Int(text[groups * 4])]), UInt32(values[Int(text[groups * 4 + 1])]))
                    let c = padding == 1 ? UInt32(values[Int(text[groups * 4 + 2])]) : 0
                    faults |= a | b | c
                    output[groups * 3] = UInt8(truncatingIfNeeded: a << 2 | b >> 4)
                    if padding == 1 { output[groups * 3 + 1] = UInt8(truncatingIfNeeded: b << 4 | c >> 2) }
                }
                isPlain = faults & 0x80 == 0
            }
            count = size
        }
        return isPlain ? output : nil
    }

    /// Skips line ends, and says what is no base 64.
    private static func decodeSlowly(_ text: UnsafeBufferPointer<UInt8>) -> [UInt8]? {
        var output = [UInt8]()
        output.reserveCapacity(text.underestimatedCount / 4 * 3)
        var bits: UInt32 = 0
        var digits = 0
        var padding = 0
        for byte in text {
            if byte == 0x0A || byte == 0x0D { continue }
            if byte == UInt8(ascii: "=") {
                padding += 1
                continue
            }
            let value = values[Int(byte)]
            guard value != 0xFF, padding == 0 else { return nil }
            bits = bits << 6 | UInt32(value)
            digits += 1
            if digits == 4 {
                output.append(UInt8(truncatingIfNeeded: bits >> 16))
                output.append(UInt8(truncatingIfNeeded: bits >> 8))
                output.append(UInt8(truncatingIfNeeded: bits))
                (bits, digits) = (0, 0)
            }
        }
        switch (digits, padding) {
        case (0, 0): break
        case (2, 2): output.append(UInt8(truncatingIfNeeded: bits >> 4))
        case (3, 1):
            output.append(UInt8(truncatingIfNeeded: bits >> 10))
            output.append(UInt8(truncatingIfNeeded: bits >> 2))
        default: return nil
        }
        return output
    }
}
