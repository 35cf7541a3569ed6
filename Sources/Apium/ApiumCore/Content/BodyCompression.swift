import Compression

/// How a message's body or a stored result is compressed, by kombu's names.
public enum BodyCompression: String, Sendable, Hashable, CaseIterable {
    /// zlib's format, which kombu calls gzip as well.
    case zlib
    /// bzip2.
    case bzip2
    /// Zstandard; a Python peer needs Python 3.14 or the package `backports.zstd`.
    case zstd

    /// What stands in the header `compression`, and in front of a compressed result.
    public var contentType: String {
        switch self {
        case .zlib: "application/x-gzip"
        case .bzip2: "application/x-bz2"
        case .zstd: "application/zstd"
        }
    }

    /// The compression of one of kombu's names or content types, for example `gzip`, `bzip2`, `application/zstd`.
    ///
    /// - Throws: ``ApiumError`` `refusedContent` for kombu's lzma and brotli, and for anything unknown.
    public init(name: String) throws {
        switch name {
        case "application/x-gzip", "gzip", "zlib": self = .zlib
        case "application/x-bz2", "bzip2", "bzip", "bz2": self = .bzip2
        case "application/zstd", "zstd", "zstandard": self = .zstd
        default: throw ApiumError(.refusedContent, "the compression '\(name.prefix(100))' is not supported; \(Self.supported)")
        }
    }

    private static let supported = "zlib (application/x-gzip), bzip2 (application/x-bz2) and zstd (application/zstd) are"

    /// Compresses.
    ///
    /// - Throws: ``ApiumError`` `refusedContent` for more than 1 GiB.
    public func compress(_ bytes: [UInt8]) throws -> [UInt8] {
        do { return try format.compress(bytes) } catch { throw ApiumError(.refusedContent, "compression failed", underlying: error) }
    }

    /// Decompresses; never to more than `limit` bytes.
    ///
    /// - Throws: ``ApiumError`` `refusedContent` when more than `limit` bytes would come out, `malformedMessage` for damaged data.
    public func decompress(_ bytes: [UInt8], limit: Int) throws -> [UInt8] {
        do {
            return try format.decompress(bytes, limit: limit)
        } catch let error as CompressionError {
            throw ApiumError(error.code == .damaged ? .malformedMessage : .refusedContent, "compressed content cannot be read", underlying: error)
        }
    }

    private var format: CompressionFormat {
        switch self {
        case .zlib: .zlib
        case .bzip2: .bzip2
        case .zstd: .zstd
        }
    }
}
