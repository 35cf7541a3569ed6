import Synchronization

/// Reads messages one after another, as a worker does, and remembers how the last ones looked.
///
/// The messages of one task differ in a few texts: ids, arguments, and what is said of these for logs. What surrounds them is compared with
/// that of earlier messages, and read again only where it is another. Every message is what ``Message/init(decoding:sizeLimit:accepting:)``
/// makes of it, and what that refuses is refused.
package final class MessageReader: Sendable {
    private struct State {
        /// The newest first.
        var shapes: [MessageShape] = []
        /// How many shapes may be taken down: one for so many messages, or messages that are all different would each be read twice.
        var allowance = MessageReader.allowanceLimit
        var read = 0

        /// Whether a message of an unknown shape is worth another look.
        mutating func mayNote() -> Bool {
            guard allowance > 0 else { return false }
            allowance -= 1
            return true
        }
    }

    /// How many shapes are remembered: each is tried for a message of none of them.
    private static let shapeLimit = 8
    private static let allowanceLimit = 64
    private static let messagesPerShape = 16

    private let content: AcceptedContent
    private let state = Mutex(State())

    /// - Parameter content: the serialisations in which a message of protocol 1 is read.
    package init(accepting content: AcceptedContent) { self.content = content }

    /// Reads a message.
    ///
    /// - Throws: as ``Message/init(decoding:sizeLimit:accepting:)``.
    package func message(_ bytes: [UInt8]) throws -> Message {
        guard bytes.count <= Message.defaultSizeLimit else { return try Message(decoding: bytes, accepting: content) }
        let shapes = state.withLock { state in
            state.read += 1
            if state.read.isMultiple(of: Self.messagesPerShape), state.allowance < Self.allowanceLimit { state.allowance += 1 }
            return state.shapes
        }
        return try bytes.withUnsafeBufferPointer { bytes in
            for shape in shapes { if let message = shape.message(bytes) { return message } }
            let message = try Message(scanning: bytes, accepting: content)
            if state.withLock({ $0.mayNote() }), let shape = MessageShape(of: message, bytes: bytes) { note(shape) }
            return message
        }
    }

    private func note(_ shape: MessageShape) {
        state.withLock { state in
            if state.shapes.count == Self.shapeLimit { state.shapes.removeLast() }
            state.shapes.insert(shape, at: 0)
        }
    }
}
