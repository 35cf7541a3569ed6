import CHiredis

/// Turns bytes of a server, in any pieces, into replies: hiredis' reader, with callbacks that build Swift values.
///
/// Not thread-safe: one decoder belongs to one connection's event loop.
final class RESPDecoder {
    private var reader: UnsafeMutablePointer<redisReader>
    private let callbacks: UnsafeMutablePointer<redisReplyObjectFunctions>
    private let builder = RESPValueBuilder()
    private var long: LongReply?

    /// - Throws: `RedisClientError` if hiredis can't allocate a reader.
    init() throws {
        callbacks = .allocate(capacity: 1)
        callbacks.initialize(to: RESPValueBuilder.callbacks)
        guard let reader = Self.makeReader(callbacks, builder) else {
            callbacks.deallocate()
            throw Self.outOfMemory
        }
        self.reader = reader
    }

    private static func makeReader(
        _ callbacks: UnsafeMutablePointer<redisReplyObjectFunctions>, _ builder: RESPValueBuilder
    ) -> UnsafeMutablePointer<redisReader>? {
        guard let reader = redisReaderCreateWithFunctions(callbacks) else { return nil }
        // The default frees the buffer whenever it idles above 16 kB, which a batch of messages always does.
        reader.pointee.maxbuf = 1 << 20
        reader.pointee.privdata = Unmanaged.passUnretained(builder).toOpaque()
        return reader
    }

    /// Whether a part of a reply is there, and the rest is still to come.
    var isInsideReply: Bool { long != nil || builder.isInArray || reader.pointee.len > reader.pointee.pos }

    private static var outOfMemory: RedisClientError { RedisClientError(.connectFailed, "hiredis could not allocate a reader: out of memory") }

    deinit {
        redisReaderFree(reader)
        callbacks.deallocate()
    }

    /// hiredis moves what it has not read yet to the front of its buffer after each kilobyte of replies; feeding slices keeps
    /// that move short when a receive buffer holds thousands of small replies.
    private static let sliceSize = 16 * 1024

    /// Takes in `bytes` and hands each complete reply to `body`, in order.
    /// - Throws: `RedisClientError` with code `protocolViolation`; the decoder is of no use afterwards. Rethrows what `body` throws.
    func decode(_ bytes: UnsafeRawBufferPointer, _ body: (RESPValue) throws -> Void) throws {
        var offset = 0
        while offset < bytes.count {
            offset += try takeLong(UnsafeRawBufferPointer(rebasing: bytes[offset...]), body)
            let count = min(Self.sliceSize, bytes.count - offset)
            let slice = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + count])
            guard redisReaderFeed(reader, slice.bindMemory(to: CChar.self).baseAddress, slice.count) == REDIS_OK else { throw failure }
            offset += count
            while let reply = try next() { try body(reply) }
            try beginLong()
        }
    }

    /// Goes on without hiredis when what it waits for is a long reply that stands in no array: it is given a new reader, which begins behind that.
    private func beginLong() throws {
        let (position, end) = (reader.pointee.pos, reader.pointee.len)
        guard end - position >= LongReply.least, !builder.isInArray, let buffer = reader.pointee.buf else { return }
        guard let begun = LongReply(UnsafeRawBufferPointer(start: buffer + position, count: end - position)) else { return }
        guard let fresh = Self.makeReader(callbacks, builder) else { throw Self.outOfMemory }
        redisReaderFree(reader)
        reader = fresh
        long = begun
    }

    private func takeLong(_ bytes: UnsafeRawBufferPointer, _ body: (RESPValue) throws -> Void) throws -> Int {
        guard let count = long?.take(bytes) else { return 0 }
        if long?.isWhole == true, let whole = long.take() { try body(.bulk(whole.bytes)) }
        return count
    }

    private func next() throws -> RESPValue? {
        var token: UnsafeMutableRawPointer?
        guard redisReaderGetReply(reader, &token) == REDIS_OK else { throw failure }
        return token == nil ? nil : builder.take()
    }

    /// The reader's own words: they name what was wrong with the protocol and hold at most one byte of data.
    private var failure: RedisClientError {
        let text = withUnsafeBytes(of: &reader.pointee.errstr) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        return RedisClientError(.protocolViolation, "the server's answer isn't RESP2: \(text)", mayHaveBeenSent: true)
    }
}
