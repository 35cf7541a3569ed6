import Compression
import Testing

@Suite("Compression")
struct CompressionTests {
    private static let samples: [[UInt8]] = [
        [], [0], Array("a price, and a price, and a price".utf8), (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* $0 >> 3) },
        [UInt8](repeating: 7, count: 1 << 18),
    ]

    @Test("what was compressed comes back", arguments: CompressionFormat.allCases, samples)
    func roundTrip(format: CompressionFormat, bytes: [UInt8]) throws {
        #expect(try format.decompress(format.compress(bytes), limit: bytes.count) == bytes)
    }

    @Test(
        "what Python compressed is read",
        arguments: [
            (CompressionFormat.zlib, "789ccb48cdc9c95728cf2fca4901001a0b045d"),
            (.bzip2, "425a683931415926535944f7137800000191804000064490802000220334843021b68154278bb9229c2848227b89bc00"),
            (.zstd, "28b52ffd200b59000068656c6c6f20776f726c64"),
        ])
    func python(format: CompressionFormat, hex: String) throws {
        #expect(try format.decompress(bytes(hex), limit: 100) == Array("hello world".utf8))
    }

    @Test("a bomb is refused at the limit, whatever it would become", arguments: CompressionFormat.allCases)
    func bomb(format: CompressionFormat) throws {
        let bomb = try format.compress([UInt8](repeating: 0, count: 8 << 20))
        #expect(bomb.count < 100_000)
        #expect(code { try format.decompress(bomb, limit: 1 << 16) } == .tooLarge)
        #expect(code { try format.decompress(bomb, limit: (8 << 20) - 1) } == .tooLarge)
        #expect(try format.decompress(bomb, limit: 8 << 20).count == 8 << 20)
    }

    @Test("the limit counts the bytes that come out, to the last one", arguments: CompressionFormat.allCases)
    func limit(format: CompressionFormat) throws {
        let compressed = try format.compress([1, 2, 3])
        #expect(try format.decompress(compressed, limit: 3) == [1, 2, 3])
        #expect(code { try format.decompress(compressed, limit: 2) } == .tooLarge)
        #expect(code { try format.decompress(compressed, limit: 0) } == .tooLarge)
    }

    @Test("data that ends too early is damaged, wherever it is cut", arguments: CompressionFormat.allCases)
    func cut(format: CompressionFormat) throws {
        let compressed = try format.compress(Array("a price, and a price, and a price".utf8))
        for length in 0..<compressed.count {
            #expect(code { try format.decompress(Array(compressed[..<length]), limit: 1000) } == .damaged, "cut at \(length)")
        }
    }

    @Test("something behind the end is refused", arguments: CompressionFormat.allCases)
    func trailing(format: CompressionFormat) throws {
        #expect(code { try format.decompress(try format.compress([1]) + [0], limit: 1000) } == .damaged)
    }

    @Test("damaged data is an error or other data, never a crash", arguments: CompressionFormat.allCases)
    func damaged(format: CompressionFormat) throws {
        let compressed = try format.compress((0..<500).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 2) })
        for index in compressed.indices {
            var copy = compressed
            copy[index] ^= 1 << (index % 8)
            _ = code { try format.decompress(copy, limit: 10_000) }
        }
        #expect(code { try format.decompress(Array("plain text, not compressed".utf8), limit: 1000) } == .damaged)
    }

    @Test("a Zstandard frame names its size, on which Python insists")
    func contentSize() throws {
        // The frame header's single-segment flag, or a content size flag: bits 7, 6 and 5 of the byte behind the magic number.
        #expect(try CompressionFormat.zstd.compress(Array("hello".utf8))[4] & 0b1110_0000 != 0)
    }

    @Test("a Zstandard window beyond the limit is refused before it is allocated")
    func window() {
        // Magic number, no size, a window of 2 GiB, then nothing.
        #expect(code { try CompressionFormat.zstd.decompress([0x28, 0xB5, 0x2F, 0xFD, 0x00, 0xA8, 0x01, 0x00, 0x00], limit: 1 << 20) } == .tooLarge)
    }

    private func bytes(_ hex: String) -> [UInt8] {
        let digits = hex.compactMap(\.hexDigitValue)
        return stride(from: 0, to: digits.count, by: 2).map { UInt8(digits[$0] << 4 | digits[$0 + 1]) }
    }

    private func code<T>(_ operation: () throws -> T) -> CompressionError.Code? {
        do {
            _ = try operation()
            return nil
        } catch {
            return (error as? CompressionError)?.code
        }
    }
}
