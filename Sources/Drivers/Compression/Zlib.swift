import CZlib

/// The zlib format, over libz.
enum Zlib {
    static func compress(_ bytes: [UInt8]) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: Int(compressBound(uLong(bytes.count)))) { output, count in
            var produced = uLongf(output.count)
            let code = compress2(output.baseAddress, &produced, bytes, uLong(bytes.count), Z_DEFAULT_COMPRESSION)
            guard code == Z_OK else { throw CompressionError(.failed, "zlib could not compress (code \(code))") }
            count = Int(produced)
        }
    }

    /// Inflates one stream.
    struct Inflation: ~Copyable, DecompressionStage {
        /// On the heap, because zlib keeps the address.
        private let stream: UnsafeMutablePointer<z_stream>

        init() throws {
            let stream = UnsafeMutablePointer<z_stream>.allocate(capacity: 1)
            stream.initialize(to: z_stream())
            let code = inflateInit_(stream, ZLIB_VERSION, Int32(MemoryLayout<z_stream>.size))
            guard code == Z_OK else {
                stream.deallocate()
                throw CompressionError(.failed, "zlib could not start (code \(code))")
            }
            self.stream = stream
        }

        deinit {
            inflateEnd(stream)
            stream.deallocate()
        }

        mutating func step(from input: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>) throws -> DecompressionStep {
            stream.pointee.next_in = UnsafeMutablePointer(mutating: input.baseAddress)
            stream.pointee.avail_in = uInt(input.count)
            stream.pointee.next_out = output.baseAddress
            stream.pointee.avail_out = uInt(output.count)
            let code = inflate(stream, Z_NO_FLUSH)
            // Z_BUF_ERROR: no progress was possible, which the counts say, too.
            guard code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR else {
                throw code == Z_MEM_ERROR
                    ? CompressionError(.failed, "zlib has no memory") : CompressionError(.damaged, "the data is not in zlib's format, or damaged")
            }
            return DecompressionStep(
                consumed: input.count - Int(stream.pointee.avail_in), produced: output.count - Int(stream.pointee.avail_out), ended: code == Z_STREAM_END)
        }
    }
}
