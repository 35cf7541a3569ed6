import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

extension WorkersCommand {
    /// `apium workers shutdown`.
    struct Shutdown: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Tell workers to end: running jobs have the grace period, what is left goes back to its queue.",
            discussion: """
                Waits until they are gone, and shows how many jobs are left, unless --no-wait is given. `apium workers drain` waits for the jobs first,
                however long they take.

                Examples:
                  apium workers shutdown apium@host
                  apium workers shutdown --all --wait-for 2m
                  apium workers shutdown --all --json | jq -r 'to_entries[] | select(.value.state != "gone") | .key'

                Exit code 1 when one is still there after --wait-for, 2 when one that was named does not answer.
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: NodeChoice
        @Flag(help: "Do not wait until they are gone.") var noWait = false
        @Option(help: "How long it waits.") var waitFor = DurationArgument(seconds: 60)
        @Flag(help: "Print JSON when it is over: by name the state, gone, told or there, and the jobs that are left.") var json = false

        func validate() throws { try choice.requireNames() }

        func run() async throws {
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let desk = choice.desk(connection)
                    let nodes = try await choice.nodes(desk)
                    var ending = Ending(desk: desk, json: json)
                    try await ending.shutDown(nodes, within: noWait ? nil : waitFor.value)
                    try ending.report()
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
                  apium workers drain --all --json

                Exit code 1 when jobs are left after --wait-for, 2 when one that was named does not answer.
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var choice: NodeChoice
        @Option(help: "How long it waits for jobs.") var waitFor = DurationArgument(seconds: 3600)
        @Flag(help: "Do not end the workers.") var stay = false
        @Flag(help: "Print JSON when it is over: by name the state, gone, idle (with --stay), busy or there, and the jobs that are left.") var json = false

        func validate() throws { try choice.requireNames() }

        func run() async throws {
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let desk = choice.desk(connection)
                    let nodes = try await choice.nodes(desk)
                    try await desk.leaveQueues(nodes)
                    var ending = Ending(desk: desk, json: json)
                    if try await ending.waitUntilIdle(nodes, within: waitFor.value), !stay {
                        try await ending.shutDown(nodes, within: max(waitFor.value, .minutes(1)))
                    }
                    try ending.report()
                }
            }
        }
    }
}

/// Waits for workers to become idle, and to be gone, and says how far that is.
private struct Ending {
    /// What became of a worker.
    enum End: String {
        case gone, told, idle, busy, there

        var isGood: Bool { self == .gone || self == .told || self == .idle }
    }

    let desk: WorkerDesk
    private let json: Bool
    private var progress: Progress
    private var ends: [String: (end: End, jobs: [String])] = [:]

    init(desk: WorkerDesk, json: Bool) {
        self.desk = desk
        self.json = json
        progress = Progress(isSilent: json)
    }

    /// How often they are looked at.
    private static let rhythm = Duration.milliseconds(250)

    /// Waits until nothing runs. A node that answers no more has gone by itself.
    ///
    /// - Returns: whether nothing runs any more.
    mutating func waitUntilIdle(_ nodes: [String], within patience: Duration) async throws -> Bool {
        let end = ContinuousClock.now + patience
        while true {
            let busy = try await desk.queues(nodes).filter { !$0.value.isEmpty }
            let held = try await desk.held(nodes)
            progress.show(held.sorted { $0.key < $1.key }.map { ($0.key, "\($0.value.count) left") })
            if busy.isEmpty && held.values.allSatisfy(\.isEmpty) {
                for node in nodes { ends[node] = (.idle, []) }
                progress.clear()
                return true
            }
            guard ContinuousClock.now < end else {
                for node in nodes { ends[node] = (held[node]?.isEmpty ?? true ? .idle : .busy, held[node] ?? []) }
                progress.clear()
                return false
            }
            try await Task.sleep(for: Self.rhythm)
        }
    }

    /// Tells them to end, and waits until they have.
    ///
    /// - Parameter patience: how long it waits; `nil`: not at all.
    mutating func shutDown(_ nodes: [String], within patience: Duration?) async throws {
        try await desk.shutDown(nodes)
        guard let patience else {
            for node in nodes { settle(node, .told) }
            return
        }
        let end = ContinuousClock.now + patience
        var left = Set(nodes)
        progress.show(left.sorted().map { ($0, "ending") })
        while !left.isEmpty {
            // A worker of ours leaves the register last; Celery's are gone when they answer no more.
            let registered = Set(try await desk.inspector.broker.registeredWorkers().map(\.name))
            let quiet = left.subtracting(registered)
            let gone = quiet.subtracting(quiet.isEmpty ? [] : try await desk.ping(quiet.sorted()))
            for node in gone.sorted() { settle(node, .gone) }
            left.subtract(gone)
            if left.isEmpty { return }
            let held = try await jobs(of: left)
            progress.show(left.sorted().map { ($0, (held[$0]?.count).flatMap { $0 > 0 ? "ending, \($0) left" : nil } ?? "ending") })
            guard ContinuousClock.now < end else {
                for node in left { ends[node] = (.there, held[node] ?? []) }
                progress.clear()
                return
            }
            try await Task.sleep(for: Self.rhythm)
        }
    }

    /// What those that end still run; one that does not answer at once is not waited for.
    private func jobs(of nodes: Set<String>) async throws -> [String: [String]] {
        var asking = desk
        asking.patience = Self.rhythm
        return try await asking.held(nodes.sorted())
    }

    private mutating func settle(_ node: String, _ end: End) {
        ends[node] = (end, [])
        progress.settle(node, end.rawValue)
    }

    /// Says what became of them.
    ///
    /// - Throws: exit code 1 when one runs jobs, or is there, that should not.
    func report() throws {
        let late = ends.filter { !$0.value.end.isGood }.sorted { $0.key < $1.key }
        if json {
            CommandOutput.json(.object(ends.mapValues { ["state": .string($0.end.rawValue), "jobs": .array($0.jobs.map { .string($0) })] }))
        } else {
            for (node, state) in late {
                let jobs = state.jobs.map(Terminal.plain).joined(separator: ", ")
                let words = state.end == .busy ? "still runs \(jobs)" : "is still there" + (jobs.isEmpty ? "" : ", and runs \(jobs)")
                CommandOutput.complain("\(Terminal.plain(node)) \(words)")
            }
        }
        if !late.isEmpty { throw CommandOutput.notAll }
    }
}
