import CHiredis

/// Builds the Swift value of a reply while hiredis' reader walks over it, so that no tree of C objects is made and converted.
///
/// The reader calls one `create…` function per element, parents first. Each open array is a frame; a finished frame becomes an
/// element of the one below it.
final class RESPValueBuilder {
    private struct Frame {
        var elements: [RESPValue]
        var missing: Int
    }

    private var frames: [Frame] = []
    private var root: RESPValue?

    /// Whether an array is open.
    var isInArray: Bool { !frames.isEmpty }

    /// Takes the finished reply, once.
    func take() -> RESPValue? {
        defer { root = nil }
        return root
    }

    func append(_ value: RESPValue) {
        var value = value
        while let top = frames.indices.last {
            frames[top].elements.append(value)
            frames[top].missing -= 1
            guard frames[top].missing == 0 else { return }
            value = .array(frames.removeLast().elements)
        }
        root = value
    }

    func beginArray(count: Int) {
        guard count > 0 else { return append(.array([])) }
        var elements: [RESPValue] = []
        // A length that the server merely announces must not make us reserve gigabytes.
        elements.reserveCapacity(min(count, 1024))
        frames.append(Frame(elements: elements, missing: count))
    }

    /// hiredis' table of callbacks. Each returns a pointer that only has to be non-null; the values stay here.
    static var callbacks: redisReplyObjectFunctions {
        redisReplyObjectFunctions(
            createString: { task, text, length in
                RESPValueBuilder.with(task) { $0.appendString(type: task?.pointee.type, text: text, length: length) }
            },
            createArray: { task, count in RESPValueBuilder.with(task) { $0.beginArray(count: Int(count)) } },
            createInteger: { task, value in RESPValueBuilder.with(task) { $0.append(.integer(value)) } },
            createNil: { task in RESPValueBuilder.with(task) { $0.append(.null) } },
            freeObject: { _ in }
        )
    }

    private func appendString(type: Int32?, text: UnsafeMutablePointer<CChar>?, length: Int) {
        let bytes = UnsafeRawBufferPointer(start: text, count: length)
        switch type {
        case REDIS_REPLY_ERROR: append(.error(RedisServerError(line: String(decoding: bytes, as: UTF8.self))))
        case REDIS_REPLY_STATUS: append(.simple(String(decoding: bytes, as: UTF8.self)))
        default: append(.bulk([UInt8](bytes)))
        }
    }

    /// Finds the builder of a read task and runs `body` with it. The builder outlives the reader: `RESPDecoder` owns both.
    private static func with(_ task: UnsafePointer<redisReadTask>?, _ body: (RESPValueBuilder) -> Void) -> UnsafeMutableRawPointer? {
        guard let pointer = task?.pointee.privdata else { return nil }
        body(Unmanaged<RESPValueBuilder>.fromOpaque(pointer).takeUnretainedValue())
        return pointer
    }
}
