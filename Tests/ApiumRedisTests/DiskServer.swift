import NIOCore
import NIOPosix
import RedisClient
import Synchronization

/// A stand-in for a server that has `WAITAOF`, which the one of the tests may lack: it takes pushes and answers as a test says.
final class DiskServer: Sendable {
    /// What `WAITAOF` answers: how many append-only files of its own, and how many of replicas, have all that was written.
    let answer: Mutex<(own: Int, replicas: Int)>
    /// The names of the commands that came, in order, with their first argument.
    let seen = Mutex<[String]>([])
    private let channel = Mutex<(any Channel)?>(nil)

    init(own: Int, replicas: Int) { answer = Mutex((own, replicas)) }

    func start() async throws -> RedisConfiguration {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Answerer(server: self)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        channel.withLock { $0 = listener }
        return RedisConfiguration(address: .tcp(host: "127.0.0.1", port: listener.localAddress?.port ?? 0))
    }

    func stop() async { try? await channel.withLock { $0 }?.close().get() }

    /// Answers one command.
    private func reply(to words: [String]) -> String {
        guard let name = words.first?.uppercased() else { return "-ERR empty\r\n" }
        seen.withLock { $0.append(words.count > 1 ? "\(name) \(words[1])" : name) }
        return switch name {
        case "WAITAOF": answer.withLock { "*2\r\n:\($0.own)\r\n:\($0.replicas)\r\n" }
        case "CLIENT", "LPUSH": ":1\r\n"
        case "PING": "+PONG\r\n"
        default: "-ERR unknown command '\(name)'\r\n"
        }
    }

    /// Reads arrays of bulk strings.
    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer
        typealias OutboundOut = ByteBuffer

        private let server: DiskServer
        private var buffer = ByteBuffer()

        init(server: DiskServer) { self.server = server }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            var piece = unwrapInboundIn(data)
            buffer.writeBuffer(&piece)
            while let words = next() { context.writeAndFlush(wrapOutboundOut(ByteBuffer(string: server.reply(to: words))), promise: nil) }
        }

        private func next() -> [String]? {
            var ahead = buffer
            guard let count = ahead.readNumber(after: "*") else { return nil }
            var words: [String] = []
            for _ in 0..<count {
                guard let length = ahead.readNumber(after: "$"), let word = ahead.readString(length: length), ahead.readString(length: 2) != nil else {
                    return nil
                }
                words.append(word)
            }
            buffer = ahead
            return words
        }
    }
}

extension ByteBuffer {
    /// Reads `<mark><number>\r\n`, if all of it is there.
    fileprivate mutating func readNumber(after mark: String) -> Int? {
        guard let end = readableBytesView.firstIndex(of: UInt8(ascii: "\n")) else { return nil }
        let line = readString(length: end - readerIndex + 1) ?? ""
        // The end of the line is one character.
        return line.hasPrefix(mark) ? Int(line.dropFirst().dropLast()) : nil
    }
}
