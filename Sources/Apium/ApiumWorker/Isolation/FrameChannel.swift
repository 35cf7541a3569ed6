import CLinux
import Glibc

/// One end of a stream of frames over a socket that never blocks; used by one thread only.
final class FrameChannel {
    let descriptor: Int32
    private var reader = FrameReader()
    private var outgoing: [UInt8] = []
    private var sent = 0

    /// Takes the descriptor over: it is closed with this value.
    init(_ descriptor: Int32) { self.descriptor = descriptor }

    deinit { close(descriptor) }

    /// Whether there is something to write.
    var isClogged: Bool { sent < outgoing.count }

    /// Queues a frame and writes what goes.
    func send(_ payload: [UInt8]) throws(FrameReader.Fault) {
        outgoing += try FrameReader.frame(payload)
        flush()
    }

    /// Writes what goes. A peer that is gone is learnt of by reading.
    func flush() {
        while isClogged {
            let count = outgoing.withUnsafeBytes { bytes in
                Glibc.send(descriptor, bytes.baseAddress?.advanced(by: sent), bytes.count - sent, Int32(MSG_NOSIGNAL))
            }
            if count < 0, errno == EINTR { continue }
            if count < 0, errno == EAGAIN || errno == EWOULDBLOCK { return }
            guard count > 0 else { break }
            sent += count
        }
        outgoing = []
        sent = 0
    }

    /// Reads what is there, a part of it at most; false when the peer has closed.
    func read() -> Bool {
        withUnsafeTemporaryAllocation(byteCount: 1 << 17, alignment: 1) { buffer in
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if count > 0 {
                    reader.append(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
                    return true
                }
                if count < 0, errno == EINTR { continue }
                return count < 0 && (errno == EAGAIN || errno == EWOULDBLOCK)
            }
        }
    }

    /// Whether ``read()`` would read something now.
    var isReadable: Bool {
        var request = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
        return poll(&request, 1, 0) > 0
    }

    /// The next frame of what was read.
    func next() throws(FrameReader.Fault) -> [UInt8]? { try reader.next() }
}
