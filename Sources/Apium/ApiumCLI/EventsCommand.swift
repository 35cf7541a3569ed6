import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

/// `apium events`: what happens, as workers tell it.
struct EventsCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "events", abstract: "Show what happens, live: the events of workers, Celery's too.",
        discussion: """
            Workers tell of themselves (worker-online, worker-heartbeat, worker-offline), and of jobs only when they are asked to: --enable asks them for
            as long as this runs, and so does a worker's -E. Events are not kept: what happened before is not shown, and what is told while the
            connection is away is lost. Ends at Ctrl-C, after --count events, or after --for.

            A job's name is in its task-received event (or Celery's task-sent); --name shows the later ones of jobs of which it saw that.

            Examples:
              apium events --enable
              apium events --type 'task-failed' --type 'task-retried' --name 'shop.*'
              apium events --worker 'apium@web-*' --json | jq -r 'select(.type == "task-failed") | .exception'
              apium events --enable --for 10s --json | wc -l
            """)

    @OptionGroup var connection: OperatorOptions
    @Option(help: "Only events of this type; a pattern as a shell's: 'task-*'. May be given several times. Default: all but heartbeats.")
    var type: [String] = []
    @Option(help: "Only events of jobs of this name; a pattern.") var name: String?
    @Option(help: "Only events of this worker; a pattern.") var worker: String?
    @Option(help: "Only events of the job of this id.") var id: String?
    @Flag(help: "Ask all workers to tell of jobs while this runs.") var enable = false
    @Option(help: "End after so many events.") var count: Int?
    @Option(name: .customLong("for"), help: "End after this time: 90s, 5m.") var time: DurationArgument?
    @Flag(help: "Print each event as JSON on a line, as the worker sent it, with the job's name where it is known.") var json = false

    func validate() throws {
        if let count, count < 1 { throw ValidationError("--count is \(count); it takes 1 or more") }
    }

    func run() async throws {
        try await reportingFaults {
            try await connection.withConnection { connection in
                guard let transport = connection.broker.eventTransport else { throw ApiumError(.notAvailable, "this broker carries no events") }
                let settings = try self.connection.settings().settings
                let events = try await transport.events(exchange: settings.monitoring.eventExchange)
                let desk = WorkerDesk(connection.inspector)
                let enabled = enable ? try await desk.ask("enable_events", of: nil).filter { $0.text == "task events enabled" }.map(\.node) : []
                let result = await Result { try await follow(events) }
                // Those that told of jobs before go on.
                if !enabled.isEmpty { _ = try? await desk.ask("disable_events", of: enabled) }
                try result.get()
            }
        }
    }

    private func follow(_ events: AsyncStream<WorkerEvent>) async throws {
        let filter = EventFilter(types: type, name: name, worker: worker, id: id)
        let (count, time, json) = (count ?? .max, time?.value, json)
        try await LiveView.untilStopped {
            try await withThrowingTaskGroup(of: Void.self) { group in
                group.addTask {
                    var filter = filter
                    var shown = 0
                    for await event in events {
                        guard let line = filter.take(event) else { continue }
                        CommandOutput.line(json ? line.json.text : line.text(isTerminal: Terminal.isThere))
                        shown += 1
                        if shown >= count { return }
                    }
                }
                if let time { group.addTask { try await Task.sleep(for: time) } }
                try await group.next()
                group.cancelAll()
            }
        }
    }
}

/// Which events are wanted, and what is known of their jobs.
struct EventFilter: Sendable {
    private let types: [GlobPattern]
    private let name: GlobPattern?
    private let worker: GlobPattern?
    private let id: String?
    /// The names of jobs of which events were seen, the newest last; only an event at the beginning has it.
    private var names: [String: String] = [:]
    private var order: [String] = []

    /// How many jobs' names are kept.
    static let memory = 20_000

    init(types: [String], name: String?, worker: String?, id: String?) {
        self.types = types.map(GlobPattern.init)
        self.name = name.map(GlobPattern.init)
        self.worker = worker.map(GlobPattern.init)
        self.id = id
    }

    /// The event as it is shown; `nil`: it is not wanted.
    mutating func take(_ event: WorkerEvent) -> EventLine? {
        let job = event.fields["uuid"]?.stringValue
        if let job, let name = event.fields["name"]?.stringValue { remember(name, of: job) }
        let line = EventLine(event: event, task: job.flatMap { names[$0] })
        guard types.isEmpty ? event.type != "worker-heartbeat" : types.contains(where: { $0.matches(event.type) }) else { return nil }
        if let worker, !worker.matches(event.node) { return nil }
        if let id, job != id { return nil }
        if let name, !(line.task.map(name.matches) ?? false) { return nil }
        return line
    }

    private mutating func remember(_ name: String, of job: String) {
        if names.updateValue(name, forKey: job) == nil { order.append(job) }
        guard order.count > 2 * Self.memory else { return }
        for old in order.prefix(Self.memory) { names[old] = nil }
        order.removeFirst(Self.memory)
    }
}

/// An event as it is shown.
struct EventLine: Sendable {
    let event: WorkerEvent
    /// The name of its job, where it is known.
    let task: String?

    /// The event as its sender wrote it, with the job's name.
    var json: JSONValue {
        guard case .object(var members) = event.json else { return event.json }
        if let task, members["name"] == nil { members["name"] = .string(task) }
        return .object(members)
    }

    /// The event on a line: in columns on a terminal, with tabs between in a pipe.
    func text(isTerminal: Bool) -> String {
        let job = event.fields["uuid"]?.stringValue
        let time = isTerminal ? String(event.timestamp.iso8601.dropFirst(11).prefix(12)) : event.timestamp.iso8601
        let cells = [time, event.node, event.type, task ?? (job == nil ? "" : "?"), job ?? "", details].map(Terminal.plain)
        guard isTerminal else { return cells.joined(separator: "\t") }
        let widths = [12, 20, 16, 24, 36]
        let padded = cells.enumerated().map { column, cell in
            column < widths.count ? cell + String(repeating: " ", count: max(0, widths[column] - cell.count)) : cell
        }
        var parts = padded
        parts[0] = Terminal.styled(padded[0], .dim)
        if let look { parts[2] = Terminal.styled(padded[2], look) }
        let line = parts.joined(separator: "  ")
        return Terminal.clipped(line, to: max(Terminal.size.columns, 1))
    }

    private var look: Terminal.Look? {
        switch event.type {
        case "task-succeeded", "worker-online": .green
        case "task-failed", "worker-offline": .red
        case "task-retried": .yellow
        case "task-revoked", "task-rejected": .magenta
        case "task-started", "task-received", "task-sent": .cyan
        default: .dim
        }
    }

    /// What an event of this type is looked at for.
    private var details: String {
        let fields = event.fields
        func seconds(_ value: JSONValue?) -> String {
            value?.doubleValue.map { $0 < 1 ? "\(($0 * 10_000).rounded() / 10) ms" : "\(($0 * 100).rounded() / 100) s" } ?? ""
        }
        switch event.type {
        case "task-sent", "task-received": return [fields["args"], fields["kwargs"]].compactMap { $0?.stringValue }.joined(separator: " ")
        case "task-succeeded": return "\(seconds(fields["runtime"])) → \(fields["result"]?.stringValue ?? "")"
        case "task-failed", "task-retried": return fields["exception"]?.stringValue ?? ""
        case "task-revoked":
            return fields["expired"]?.boolValue == true ? "expired" : fields["terminated"]?.boolValue == true ? "terminated" : ""
        case "task-rejected": return fields["requeue"]?.boolValue == true ? "requeued" : ""
        case "worker-online", "worker-offline", "worker-heartbeat":
            return "active \(fields["active"]?.intValue ?? 0), processed \(fields["processed"]?.intValue ?? 0)"
        default: return ""
        }
    }
}

extension Result where Failure == any Error {
    /// What a body gives or throws.
    init(_ body: () async throws -> Success) async {
        do { self = .success(try await body()) } catch { self = .failure(error) }
    }
}
