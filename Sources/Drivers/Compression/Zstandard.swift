import CZstd

/// The Zstandard format, over libzstd.
enum Zstandard {
    /// The frame names the size of its content: some readers (Python's zstandard) insist on it.
    static func compress(_ bytes: [UInt8]) throws -> [UInt8] {
        try [UInt8](unsafeUninitializedCapacity: ZSTD_compressBound(bytes.count)) { output, count in
            let produced = ZSTD_compress(output.baseAddress, output.count, bytes, bytes.count, ZSTD_CLEVEL_DEFAULT)
            guard ZSTD_isError(produced) == 0 else {
                throw CompressionError(.failed, "Zstandard could not compress: \(String(cString: ZSTD_getErrorName(produced)))")
            }
            count = produced
        }
    }

    /// Decompresses one frame.
    struct Decompression: ~Copyable, DecompressionStage {
        private let context: OpaquePointer

        /// A window larger than the whole content may be is refused; 8 MiB are always accepted, as the format asks of every reader.
        init(limit: Int) throws {
            guard let context = ZSTD_createDCtx() else { throw CompressionError(.failed, "Zstandard could not start") }
            let bits = Int.bitWidth - max(limit, 1).leadingZeroBitCount
            ZSTD_DCtx_setParameter(context, ZSTD_d_windowLogMax, Int32(min(max(bits, 23), 27)))
            self.context = context
        }

        deinit { ZSTD_freeDCtx(context) }

        mutating func step(from input: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>) throws -> DecompressionStep {
            var source = ZSTD_inBuffer(src: input.baseAddress, size: input.count, pos: 0)
            var target = ZSTD_outBuffer(dst: output.baseAddress, size: output.count, pos: 0)
            let code = ZSTD_decompressStream(context, &target, &source)
            guard ZSTD_isError(code) == 0 else {
                switch ZSTD_getErrorCode(code) {
                case ZSTD_error_frameParameter_windowTooLarge:
                    throw CompressionError(.tooLarge, "the zstd data asks its reader for a larger window than is accepted")
                case ZSTD_error_memory_allocation: throw CompressionError(.failed, "Zstandard has no memory")
                default: throw CompressionError(.damaged, "the data is not in Zstandard's format, or damaged")
                }
            }
            return DecompressionStep(consumed: source.pos, produced: target.pos, ended: code == 0)
        }
    }
}
