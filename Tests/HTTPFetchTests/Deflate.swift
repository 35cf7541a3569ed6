/// Makes a gzip stream of very many zeros without a compressor: one fixed-Huffman block of "258 bytes as the one before".
enum Deflate {
    static func gzipOfZeros(repeats: Int) -> [UInt8] {
        var bits = Bits()
        bits.append(1, 1)  // the last block
        bits.append(1, 2)  // fixed codes
        bits.appendCode(0b0011_0000, 8)  // literal 0
        for _ in 0..<repeats {
            bits.appendCode(0b1100_0101, 8)  // length 258
            bits.appendCode(0, 5)  // distance 1
        }
        bits.appendCode(0, 7)  // end of block
        return [31, 139, 8, 0, 0, 0, 0, 0, 0, 255] + bits.finished() + [UInt8](repeating: 0, count: 8)
    }

    private struct Bits {
        private var bytes: [UInt8] = []
        private var count = 0

        mutating func append(_ value: Int, _ length: Int) {
            for bit in 0..<length {
                if count % 8 == 0 { bytes.append(0) }
                bytes[count / 8] |= UInt8((value >> bit) & 1) << UInt8(count % 8)
                count += 1
            }
        }

        /// Huffman codes go out with their highest bit first.
        mutating func appendCode(_ code: Int, _ length: Int) {
            for bit in (0..<length).reversed() { append(code >> bit, 1) }
        }

        func finished() -> [UInt8] { bytes }
    }
}
