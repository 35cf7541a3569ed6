import NIOCore

/// One command and its arguments, encoded as it is built, so that sending it is one copy.
///
///     RedisCommand("SET", key, payload, "EX", 60)
public struct RedisCommand: Sendable {
    /// The number of bulk strings in `body`.
    private(set) var count: Int
    /// The arguments as bulk strings, without the array header (and without `EVALSHA <sha1>` when `script` is set).
    private(set) var body: ByteBuffer
    /// The script that this command runs. Known, so that a server which lost the script can be given it again.
    let script: RedisScript?

    /// A command of any number of arguments of any argument types.
    public init<each Argument: RedisArgument>(_ name: String, _ arguments: repeat each Argument) {
        self.init(script: nil)
        append(name)
        repeat append(each arguments)
    }

    /// A command whose arguments are a list.
    public init<Argument: RedisArgument>(_ name: String, arguments: some Sequence<Argument>) {
        self.init(script: nil)
        append(name)
        append(contentsOf: arguments)
    }

    /// A command whose arguments are appended afterwards, with room for about this many bytes of them.
    public init(_ name: String, reserving bytes: Int) {
        count = 0
        body = ByteBuffer()
        body.reserveCapacity(bytes + 32)
        script = nil
        append(name)
    }

    private init(script: RedisScript?) {
        count = 0
        body = ByteBuffer()
        self.script = script
    }

    /// Runs `script`: EVALSHA, and EVAL when the server doesn't know it (see `RedisScript`).
    ///
    /// Further arguments may be appended afterwards: they become the script's `ARGV`.
    public static func eval<Argument: RedisArgument>(_ script: RedisScript, keys: [String], arguments: some Sequence<Argument>) -> RedisCommand {
        var command = RedisCommand(script: script)
        command.append(keys.count)
        command.append(contentsOf: keys)
        command.append(contentsOf: arguments)
        return command
    }

    /// Runs `script` with arguments of any types.
    public static func eval<each Argument: RedisArgument>(
        _ script: RedisScript, keys: [String], _ arguments: repeat each Argument
    ) -> RedisCommand {
        var command = RedisCommand(script: script)
        command.append(keys.count)
        command.append(contentsOf: keys)
        repeat command.append(each arguments)
        return command
    }

    /// Whether it is no script, and so short that a socket takes it at once.
    var isShort: Bool { script == nil && body.readableBytes < OutgoingBytes.shared }

    /// Adds an argument at the end.
    public mutating func append(_ argument: some RedisArgument) {
        argument.encode(into: &body)
        count += 1
    }

    /// Adds a text at the end.
    public mutating func append(_ text: String) {
        body.writeBulk(text)
        count += 1
    }

    /// Adds bytes at the end.
    public mutating func append(_ bytes: [UInt8]) {
        bytes.encode(into: &body)
        count += 1
    }

    /// Adds a number at the end.
    public mutating func append(_ number: Int) {
        number.encode(into: &body)
        count += 1
    }

    /// Adds arguments at the end.
    public mutating func append<Argument: RedisArgument>(contentsOf arguments: some Sequence<Argument>) {
        for argument in arguments { append(argument) }
    }

    /// Appends the whole command to what is written.
    /// - Parameter source: For a script: send its text (EVAL) in place of its hash (EVALSHA).
    func encode(into output: inout OutgoingBytes, source: Bool = false) {
        encode(into: &output.tail, source: source, body: body.readableBytes < OutgoingBytes.shared)
        if body.readableBytes >= OutgoingBytes.shared { output.share(body) }
    }

    private func encode(into buffer: inout ByteBuffer, source: Bool, body withBody: Bool) {
        buffer.writeHeader("*", count + (script == nil ? 0 : 2))
        if let script {
            buffer.writeBulk(source ? "EVAL" : "EVALSHA")
            buffer.writeBulk(source ? script.source : script.sha1)
        }
        if withBody { buffer.writeImmutableBuffer(body) }
    }
}
