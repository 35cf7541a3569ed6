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

    /// `apium workers shutdown`.
    struct Shutdown: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell workers to end: running jobs have the grace period, what is left goes back to its queue.",
            discussion: """
                Waits until they are gone, unless --no-wait is given. `apium workers drain` waits for the jobs first, however long they take.

                Examples:
                  apium workers shutdown apium@host
                  apium workers shutdown --all --wait-for 2m

                Exit code 1 when one is still there after --wait-for, 2 when one that was named does not answer.
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: NodeChoice
        @Flag(help: "Do not wait until they are gone.") var noWait = false
        @Option(help: "How long it waits.") var waitFor = DurationArgument(seconds: 60)

        func validate() throws { try choice.requireNames() }

        func run() async throws {
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let desk = choice.desk(connection)
                    let ending = Ending(desk: desk, patience: waitFor.value)
                    let nodes = try await choice.nodes(desk)
                    try await ending.shutDown(nodes, waiting: !noWait)
                }
            }
        }
    }

    /// `apium workers drain`.
    struct Drain: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let workers claim no more, wait until their jobs have ended, then tell them to end.",
            discussion: """
                For a deployment that interrupts nothing. It shows how many jobs are left. With --stay they do not end: they are up without queues.
                When jobs are left after --wait-for, the workers stay as they are then, and it says which jobs.

                Examples:
                  apium workers drain apium@host
                  apium workers drain 'apium@web-*' --wait-for 2h

                Exit code 1 when jobs are left after --wait-for, 2 when one that was named does not answer.
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: NodeChoice
        @Option(help: "How long it waits for jobs.") var waitFor = DurationArgument(seconds: 3600)
        @Flag(help: "Do not end the workers.") var stay = false

        func validate() throws { try choice.requireNames() }

        func run() async throws {
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let desk = choice.desk(connection)
                    let nodes = try await choice.nodes(desk)
                    try await desk.leaveQueues(nodes)
                    let ending = Ending(desk: desk, patience: waitFor.value)
                    try await ending.untilIdle(nodes)
                    if !stay { try await ending.shutDown(nodes, waiting: true) }
                }
            }
        }
    }
}

/// Waits for workers to become idle, and to be gone, and says how far that is.
private struct Ending {
    let desk: WorkerDesk
    let patience: Duration

    /// How often they are asked.
    private static let rhythm = Duration.milliseconds(250)

    /// Waits until nothing runs. A node that answers no more has gone by itself.
    func untilIdle(_ nodes: [String]) async throws {
        let end = ContinuousClock.now + patience
        var told: [String: Int] = [:]
        while true {
            let busy = try await desk.queues(nodes).filter { !$0.value.isEmpty }
            let held = try await desk.held(nodes)
            for (node, jobs) in held.sorted(by: { $0.key < $1.key }) where told[node] != jobs.count {
                told[node] = jobs.count
                CommandOutput.line("\(Terminal.plain(node))\t\(jobs.count) left")
            }
            if busy.isEmpty && held.values.allSatisfy(\.isEmpty) { return }
            guard ContinuousClock.now < end else {
                for (node, jobs) in held.sorted(by: { $0.key < $1.key }) where !jobs.isEmpty {
                    CommandOutput.complain("\(node) still runs \(jobs.map(Terminal.plain).joined(separator: ", "))")
                }
                throw CommandOutput.notAll
            }
            try await Task.sleep(for: Self.rhythm)
        }
    }

    /// Tells them to end, and waits until they have.
    func shutDown(_ nodes: [String], waiting: Bool) async throws {
        try await desk.shutDown(nodes)
        guard waiting else {
            for node in nodes { CommandOutput.line("\(Terminal.plain(node))\ttold") }
            return
        }
        let end = ContinuousClock.now + max(patience, .minutes(1))
        var left = Set(nodes)
        while !left.isEmpty {
            // A worker of ours leaves the register last; Celery's are gone when they answer no more.
            let registered = Set(try await desk.inspector.broker.registeredWorkers().map(\.name))
            let quiet = left.subtracting(registered)
            let gone = quiet.subtracting(quiet.isEmpty ? [] : try await desk.ping(quiet.sorted()))
            for node in gone.sorted() { CommandOutput.line("\(Terminal.plain(node))\tgone") }
            left.subtract(gone)
            if left.isEmpty { return }
            guard ContinuousClock.now < end else {
                CommandOutput.complain("still there: \(left.sorted().joined(separator: ", "))")
                throw CommandOutput.notAll
            }
            try await Task.sleep(for: Self.rhythm)
        }
    }
}
