import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

/// Which workers are meant.
struct NodeChoice: ParsableArguments {
    @Argument(help: "Node names, or patterns as a shell's: 'apium@web-*'.") var names: [String] = []
    @Flag(help: "All workers that answer.") var all = false
    @Option(help: "How long workers have to answer.") var timeout = DurationArgument(seconds: 1)

    /// The desk for those who are meant.
    func desk(_ connection: ApiumConnection) -> WorkerDesk { WorkerDesk(connection.inspector, patience: timeout.value) }

    /// The names of those who are meant and answer.
    ///
    /// - Throws: exit code 2 when a name or a pattern stands for nobody.
    func nodes(_ desk: WorkerDesk) async throws -> [String] {
        // Those that are named alone are not waited for when they have answered.
        let isPattern = names.isEmpty || names.contains { $0.contains { "*?[".contains($0) } }
        let alive = Array(Set(try await desk.ping(isPattern ? nil : names))).sorted()
        if names.isEmpty { return try answered(alive, or: "no worker answers") }
        var nodes: [String] = []
        for name in names {
            let pattern = GlobPattern(name)
            nodes += try answered(alive.filter { $0 == name || pattern.matches($0) }, or: "no worker '\(name)' answers")
        }
        return Array(Set(nodes)).sorted()
    }

    private func answered(_ nodes: [String], or complaint: String) throws -> [String] {
        guard nodes.isEmpty else { return nodes }
        CommandOutput.complain(complaint)
        throw CommandOutput.notThere
    }

    /// Refuses to change all workers when nobody was named.
    func requireNames() throws {
        if names.isEmpty && !all { throw ValidationError("name workers, or say --all") }
        if !names.isEmpty && all { throw ValidationError("name workers, or say --all, not both") }
    }
}

extension WorkersCommand {
    /// `apium workers ping`.
    struct Ping: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Ask workers, Celery's too, whether they are there.",
            discussion: """
                A worker answers even when all its slots are busy.

                Examples:
                  apium workers ping
                  apium workers ping 'apium@web-*' --json

                Exit code 2 when nobody answers, or one that was named does not.
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: NodeChoice
        @Flag(help: "Print JSON: a list of names.") var json = false

        func run() async throws {
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let nodes = try await choice.nodes(choice.desk(connection))
                    if json { return CommandOutput.json(.array(nodes.map { .string($0) })) }
                    for node in nodes { CommandOutput.line("\(Terminal.plain(node))\t\(Terminal.styled("pong", .green))") }
                }
            }
        }
    }

    /// `apium workers scale`.
    struct Scale: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let workers run more jobs at once, or fewer.",
            discussion: """
                It lasts as long as the worker. Jobs that run go on when there are fewer slots.

                Examples:
                  apium workers scale apium@host --to 32
                  apium workers scale --all --grow 4
                  apium workers scale 'apium@night-*' --shrink 2

                Exit code 1 when a worker refuses, 2 when one that was named does not answer.
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: NodeChoice
        @Option(help: "So many jobs at once.") var to: Int?
        @Option(help: "So many more.") var grow: Int?
        @Option(help: "So many fewer.") var shrink: Int?
        @Flag(help: "Print JSON: by name the slots before and after.") var json = false

        func validate() throws {
            try choice.requireNames()
            guard [to, grow, shrink].compactMap({ $0 }).count == 1 else { throw ValidationError("say one of --to, --grow and --shrink") }
            if let count = to ?? grow ?? shrink, !(1...10_000).contains(count) { throw ValidationError("a worker has 1 to 10000 slots; got \(count)") }
        }

        func run() async throws {
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let desk = choice.desk(connection)
                    let nodes = try await choice.nodes(desk)
                    let before = try await desk.slots(nodes)
                    var refusals: [WorkerDesk.Answer] = []
                    for node in nodes {
                        let change = to.map { $0 - (before[node] ?? $0) } ?? grow ?? -(shrink ?? 0)
                        refusals += try await desk.resize([node], by: change).filter(\.isRefusal)
                    }
                    let after = try await desk.slots(nodes)
                    if json {
                        let changes = nodes.map { ($0, ["before": .int(Int64(before[$0] ?? 0)), "after": .int(Int64(after[$0] ?? 0))] as JSONValue) }
                        CommandOutput.json(.object(Dictionary(changes) { $1 }))
                    } else {
                        for node in nodes { CommandOutput.line("\(Terminal.plain(node))\t\(before[node] ?? 0) → \(after[node] ?? 0)") }
                    }
                    for refusal in refusals { CommandOutput.complain("\(refusal.node): \(Terminal.plain(refusal.text))") }
                    if !refusals.isEmpty { throw CommandOutput.notAll }
                }
            }
        }
    }
}
