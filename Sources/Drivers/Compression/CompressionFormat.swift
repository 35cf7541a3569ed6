/// A compression format, by the library that reads and writes it.
///
/// Both directions work on whole byte strings in memory and use the calling thread for as long as they take.
public enum CompressionFormat: String, Sendable, Hashable, CaseIterable {
    /// RFC 1950: a deflate stream in zlib's own frame, not gzip's.
    case zlib
    /// One bzip2 stream.
    case bzip2
    /// One Zstandard frame, which names the size of its content.
    case zstd

    /// Compresses with the library's usual level: 6 for zlib, 9 for bzip2, 3 for Zstandard.
    ///
    /// - Throws: ``CompressionError`` `tooLarge` above 1 GiB, `failed` when the library has no memory.
    public func compress(_ bytes: [UInt8]) throws -> [UInt8] {
        guard bytes.count <= Self.largestInput else {
            throw CompressionError(.tooLarge, "\(bytes.count) bytes are to be compressed; at most \(Self.largestInput) are accepted")
        }
        return switch self {
        case .zlib: try Zlib.compress(bytes)
        case .bzip2: try BZip2.compress(bytes)
        case .zstd: try Zstandard.compress(bytes)
        }
    }

    /// Decompresses one stream that fills `bytes` completely.
    ///
    /// - Parameter limit: the greatest number of bytes that may come out. What would come out beyond it is never stored: the
    ///   memory in use stays below twice the limit, plus the library's own window (at most 128 MiB for Zstandard).
    /// - Throws: ``CompressionError`` `tooLarge` when more than `limit` bytes come out, `damaged` when this is no such stream,
    ///   when it ends too early, or when something stands behind it.
    public func decompress(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        switch self {
        case .zlib:
            var stage = try Zlib.Inflation()
            return try decompress(bytes, by: &stage, limit: limit)
        case .bzip2:
            var stage = try BZip2.Decompression()
            return try decompress(bytes, by: &stage, limit: limit)
        case .zstd:
            var stage = try Zstandard.Decompression(limit: limit)
            return try decompress(bytes, by: &stage, limit: limit)
        }
    }

    /// The libraries count in 32 bits; nothing that large is ever wanted.
    private static let largestInput = 1 << 30

    /// How much is decompressed at once.
    private static let chunkSize = 64 << 10

    private func decompress(_ bytes: [UInt8], by stage: inout some DecompressionStage & ~Copyable, limit: Int) throws -> [UInt8] {
        guard bytes.count <= Self.largestInput else {
            throw CompressionError(.tooLarge, "\(bytes.count) bytes are to be decompressed; at most \(Self.largestInput) are accepted")
        }
        let chunk = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: Self.chunkSize)
        defer { chunk.deallocate() }
        return try bytes.withUnsafeBufferPointer { input in
            var output: [UInt8] = []
            var consumed = 0
            while true {
                let step = try stage.step(from: UnsafeBufferPointer(rebasing: input[consumed...]), to: chunk)
                consumed += step.consumed
                guard step.produced <= limit - output.count else {
                    throw CompressionError(.tooLarge, "the \(rawValue) data decompresses to more than \(limit) bytes, the most that is accepted")
                }
                output.append(chunk.prefix(step.produced), limit: limit)
                if step.ended {
                    guard consumed == input.count else {
                        throw CompressionError(.damaged, "\(input.count - consumed) bytes stand behind the end of the \(rawValue) data")
                    }
                    return output
                }
                guard step.consumed + step.produced > 0 else {
                    throw CompressionError(.damaged, "the \(rawValue) data ends too early, after \(input.count) bytes")
                }
            }
        }
    }
}

/// One library's decompressor, fed step by step.
protocol DecompressionStage: ~Copyable {
    /// Decompresses what fits into `output`. A step that neither consumes nor produces anything lacks input.
    mutating func step(from input: UnsafeBufferPointer<UInt8>, to output: UnsafeMutableBufferPointer<UInt8>) throws -> DecompressionStep
}

/// What one step did.
struct DecompressionStep {
    var consumed: Int
    var produced: Int
    /// Whether the stream ended with it.
    var ended: Bool
}

extension [UInt8] {
    /// Appends, growing by doubling but never beyond `limit`.
    fileprivate mutating func append(_ bytes: Slice<UnsafeMutableBufferPointer<UInt8>>, limit: Int) {
        let needed = count + bytes.count
        if needed > capacity { reserveCapacity(Swift.min(Swift.max(needed, 2 * capacity), limit)) }
        append(contentsOf: bytes)
    }
}
