import CBZip2

/// The bzip2 format, over libbz2.
enum BZip2 {
    static func compress(_ bytes: [UInt8]) throws -> [UInt8] {
        // An empty array has no address, which the library takes for an error.
        var source = bytes.isEmpty ? [0] : bytes
        // The library's documented bound: 1 % more and 600 bytes.
        return try [UInt8](unsafeUninitializedCapacity: bytes.count + bytes.count / 100 + 601) { output, count in
            var produced = UInt32(output.count)
            let code = source.withUnsafeMutableBytes { input in
                BZ2_bzBuffToBuffCompress(
                    UnsafeMutableRawPointer(output.baseAddress)?.assumingMemoryBound(to: CChar.self), &produced,
                    input.baseAddress?.assumingMemoryBound(to: CChar.self), UInt32(bytes.count), 9, 0, 0)
            }
            guard code == BZ_OK else { throw CompressionError(.failed, "bzip2 could not compress (code \(code))") }
            count = Int(produced)
        }
    }

    /// Decompresses one stream.
    struct Decompression: ~Copyable, DecompressionStage {
        /// On the heap, because libbz2 keeps the address.
        private let stream: UnsafeMutablePointer<bz_stream>

        init() throws {
            let stream = UnsafeMutablePointer<bz_stream>.allocate(capacity: 1)
            stream.initialize(to: bz_stream())
            let code = BZ2_bzDecompressInit(stream, 0, 0)
            guard code == BZ_OK else {
                stream.deallocate()
                throw CompressionError(.failed, "bzip2 could not start (code \(code))")
            }
            self.stream = stream
        }

        deinit {
            BZ2_bzDecompressEnd(stream)
            stream.deallocate()
        }

        mutating func step(from input: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>) throws -> DecompressionStep {
            // The library reads through this pointer only.
            stream.pointee.next_in = UnsafeMutableRawPointer(mutating: input.baseAddress)?.assumingMemoryBound(to: CChar.self)
            stream.pointee.avail_in = UInt32(input.count)
            stream.pointee.next_out = UnsafeMutableRawPointer(output.baseAddress)?.assumingMemoryBound(to: CChar.self)
            stream.pointee.avail_out = UInt32(output.count)
            let code = BZ2_bzDecompress(stream)
            guard code == BZ_OK || code == BZ_STREAM_END else {
                throw code == BZ_MEM_ERROR
                    ? CompressionError(.failed, "bzip2 has no memory") : CompressionError(.damaged, "the data is not in bzip2's format, or damaged")
            }
            return DecompressionStep(
                consumed: input.count - Int(stream.pointee.avail_in), produced: output.count - Int(stream.pointee.avail_out), ended: code == BZ_STREAM_END)
        }
    }
}
