import NIOCore
import Synchronization

#if canImport(Glibc)
    import Glibc
#elseif canImport(Musl)
    import Musl
#endif

/// A second descriptor of a connection's socket, for callers that write and read on their own thread; see ``PromptLine``.
final class PromptSocket: Sendable {
    private let descriptor: CInt

    /// - Returns: nil when the system has no descriptor left.
    init?(of original: CInt) {
        let descriptor = fcntl(original, F_DUPFD_CLOEXEC, 0)
        guard descriptor >= 0 else { return nil }
        self.descriptor = descriptor
    }

    /// Whoever still uses it holds a reference: the number cannot become another file's under them.
    deinit { close(descriptor) }

    /// Ends the connection although this descriptor is still open.
    func end() { shutdown(descriptor, CInt(SHUT_RDWR)) }

    /// Writes `request` as far as the socket takes it at once, and reads its answer if it comes within `patience`; never blocks. Without
    /// patience nothing is read.
    func exchange(_ request: ByteBuffer, patience: TimeAmount) -> PromptExchange {
        var exchange = PromptExchange(unsent: request)
        let count = request.withUnsafeReadableBytes { send(descriptor, $0.baseAddress, $0.count, CInt(MSG_DONTWAIT) | CInt(MSG_NOSIGNAL)) }
        if count > 0 { exchange.unsent.moveReaderIndex(forwardBy: count) }
        guard exchange.unsent.readableBytes == 0, patience > .zero else { return exchange }
        let end = NIODeadline.now() + patience
        repeat {
            let count = withUnsafeTemporaryAllocation(byteCount: PromptExchange.longest, alignment: 1) { room in
                let count = recv(descriptor, room.baseAddress, room.count, CInt(MSG_DONTWAIT))
                if count > 0 { exchange.received.append(contentsOf: room[..<count]) }
                return count
            }
            if count > 0, exchange.isOver { return exchange }
            // Closed, or broken: the event loop finds out, and says so.
            if count == 0 || (count < 0 && errno != EAGAIN && errno != EINTR) { return exchange }
            // The server may need this very core.
            sched_yield()
        } while NIODeadline.now() < end
        return exchange
    }
}

/// How far a request and its answer have come on the caller's thread.
struct PromptExchange: Sendable {
    /// Longer than any answer that is a number.
    static let longest = 64

    var unsent: ByteBuffer
    var received: [UInt8] = []

    /// The answer when it is a whole number, `:7\r\n`; nil for any other, and for a part of one.
    var integer: Int64? {
        guard received.count >= 4, received.first == UInt8(ascii: ":"), received.suffix(2) == [UInt8(ascii: "\r"), UInt8(ascii: "\n")] else { return nil }
        return Int64(String(decoding: received[1..<received.count - 2], as: UTF8.self))
    }

    /// Whether nothing is left to wait for here: it is a number, or nothing that this thread reads.
    var isOver: Bool { integer != nil || received.first != UInt8(ascii: ":") || received.count >= Self.longest }
}

/// Who may use a connection's socket: the event loop, or one caller that writes a command and reads its answer on its own thread.
///
/// A command that is awaited alone pays for two changes of threads through the event loop, which take longer than the server's answer. So a
/// caller may take the line while nothing else is under way, for as long as an answer from nearby takes. What is not there by then goes over
/// to the event loop as it is. Where answers take longer a caller only writes: what it asks for is then under way before the event loop has
/// woken. Confined to the lock of ``RequestQueue``.
struct PromptLine: Sendable {
    /// Nil: nobody has asked for the line, or the connection has none to give (TLS).
    private(set) var socket: PromptSocket?
    /// Whether everything was answered and the event loop does not read.
    var isQuiet = false
    private(set) var isTaken = false
    /// Calls for which the line is not tried: others want the connection, too.
    private var rest = 0
    /// Calls that only write, for answers take too long.
    private var writing = 0
    private var misses = 0
    private var answered = 0

    /// After so many answers in a row a task lets others have its thread.
    private static let turn = 64
    /// How many calls only write when an answer was waited for in vain, and how many go by the event loop when several tasks call at once.
    private static let writingWhenSlow = 256
    private static let restInCrowd = 16

    mutating func open(_ socket: PromptSocket?) { self.socket = socket }

    /// - Returns: the socket, and whether the answer is worth waiting for; nil when the call goes by the event loop.
    mutating func take() -> (socket: PromptSocket, waits: Bool)? {
        guard isQuiet, !isTaken, let socket else { return nil }
        if rest > 0 {
            rest -= 1
            return nil
        }
        (isTaken, isQuiet) = (true, false)
        defer { writing = max(0, writing - 1) }
        return (socket, writing == 0)
    }

    /// Several tasks have something to send: together by the event loop they are faster than one after the other.
    mutating func noteCrowd() { rest = max(rest, Self.restInCrowd) }

    /// The answer was there.
    /// - Returns: whether the caller should let others have its thread.
    mutating func giveBack() -> Bool {
        isTaken = false
        misses = 0
        answered += 1
        return answered.isMultiple(of: Self.turn)
    }

    /// The event loop goes on: the answer was not there in time, or nobody waited for it.
    mutating func handOver(waited: Bool) {
        isTaken = false
        guard waited else { return }
        misses += 1
        if misses >= 4 { writing = Self.writingWhenSlow }
    }

    mutating func close() {
        socket?.end()
        socket = nil
    }
}
