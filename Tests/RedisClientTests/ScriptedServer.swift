import NIOCore
import NIOPosix
import RedisClient
import Synchronization

/// A stand-in for a server or a sentinel of another version or in a rare state: it answers each command as a test says.
final class ScriptedServer: Sendable {
    /// What is answered to a command, as it goes over the wire; nil: nothing.
    typealias Script = @Sendable ([String]) -> String?

    let host: RedisSentinels.Host
    private let listener: any Channel

    private init(_ listener: any Channel) {
        host = RedisSentinels.Host("127.0.0.1", port: listener.localAddress?.port ?? 0)
        self.listener = listener
    }

    static func start(_ script: @escaping Script) async throws -> ScriptedServer {
        let listener = try await ServerBootstrap(group: MultiThreadedEventLoopGroup.singleton)
            .childChannelInitializer { channel in
                channel.eventLoop.makeCompletedFuture { try channel.pipeline.syncOperations.addHandler(Answerer(script)) }
            }
            .bind(host: "127.0.0.1", port: 0).get()
        return ScriptedServer(listener)
    }

    /// A master, with what it answers to scripts.
    static func master(_ ofScripts: String = ":1\r\n") async throws -> ScriptedServer {
        try await start { words in
            switch words.first?.uppercased() {
            case "ROLE": "*3\r\n$6\r\nmaster\r\n:0\r\n*0\r\n"
            case "EVAL", "EVALSHA": ofScripts
            default: ":1\r\n"
            }
        }
    }

    /// A sentinel that says this.
    static func sentinel(_ word: Word) async throws -> ScriptedServer {
        try await start { words in
            let (host, epoch) = word.value
            switch words.prefix(2).map({ $0.uppercased() }) {
            case ["SENTINEL", "MASTER"]: return bulks(["name", "mine", "config-epoch", String(epoch)])
            case ["SENTINEL", "GET-MASTER-ADDR-BY-NAME"]: return bulks([host.name, String(host.port)])
            default: return ":1\r\n"
            }
        }
    }

    /// What a sentinel says, which a test may change.
    final class Word: Sendable {
        private let said: Mutex<(host: RedisSentinels.Host, epoch: Int)>

        init(_ host: RedisSentinels.Host, epoch: Int) { said = Mutex((host, epoch)) }

        var value: (host: RedisSentinels.Host, epoch: Int) { said.withLock { $0 } }
        func change(to host: RedisSentinels.Host, epoch: Int) { said.withLock { $0 = (host, epoch) } }
    }

    private static func bulks(_ texts: [String]) -> String {
        texts.reduce("*\(texts.count)\r\n") { "\($0)$\($1.utf8.count)\r\n\($1)\r\n" }
    }

    /// Takes no more connections.
    func stop() async { try? await listener.close() }

    /// Reads arrays of bulk strings.
    private final class Answerer: ChannelInboundHandler {
        typealias InboundIn = ByteBuffer

        private let script: Script
        private var text = ""

        init(_ script: @escaping Script) { self.script = script }

        func channelRead(context: ChannelHandlerContext, data: NIOAny) {
            text += String(buffer: unwrapInboundIn(data))
            while let words = next() {
                if let answer = script(words) { context.writeAndFlush(NIOAny(ByteBuffer(string: answer)), promise: nil) }
            }
        }

        /// A command is `*n`, then for each word its length and the word, a line each.
        private func next() -> [String]? {
            let lines = text.split(separator: "\r\n", omittingEmptySubsequences: false)
            guard let count = lines.first.flatMap({ Int($0.dropFirst()) }), lines.count > 1 + 2 * count else { return nil }
            text = lines.dropFirst(1 + 2 * count).joined(separator: "\r\n")
            return (0..<count).map { String(lines[2 + 2 * $0]) }
        }
    }
}
