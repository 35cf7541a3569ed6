import Apium
import ApiumInspect
import ArgumentParser
import DynamicJSON

/// `apium jobs`: the jobs that wait and run, and those that were set aside.
public struct JobsCommand: AsyncParsableCommand {
    public static let configuration = CommandConfiguration(
        commandName: "jobs", abstract: "List and show jobs; cancel, retry, requeue, edit and delete them.",
        discussion: """
            Jobs are named by their ids, or chosen by filters. What would be done with those that are chosen is counted first; on a terminal you are
            asked then, and a script says --yes.

            Examples:
              apium jobs list --state dead --younger-than 1h
              apium jobs retry --name 'shop.*' --younger-than 1h
              apium jobs edit 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e
            """,
        subcommands: [List.self, Show.self, Cancel.self, Retry.self, Requeue.self, Edit.self, Delete.self])

    public init() {}

    /// `apium jobs list`.
    public struct List: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(
            abstract: "List jobs: those that run, that are ready, that wait for their time, and on demand those that were set aside.",
            discussion: """
                Jobs that have ended are not listed: their results are read one by one (`apium result`). Looks at 10,000 jobs at most, and ends with a
                cursor when there are more.

                Examples:
                  apium jobs list
                  apium jobs list --state ready --queue mails --name 'mail.*' --older-than 10m
                  apium jobs list --key host=shop.example --state held
                  apium jobs list --state dead --state quarantine --json
                  apium jobs list --cursor ready:500:mails
                """)
        @OptionGroup var connection: OperatorOptions
        @Option(help: "in-flight, ready, held, scheduled, quarantine, dead or parked; may be given several times. Default: the first four.")
        var state: [StateArgument] = []
        @OptionGroup var filter: JobFilter
        @OptionGroup var page: PageOptions
        @Flag(help: "Print JSON: jobs, and next, a cursor or null.") var json = false
        public init() {}

        public func run() async throws {
            let language = connection.language
            try await reportingFaults {
                try await connection.withConnection { connection in
                    var query = filter.query(Set(state.map(\.place)))
                    if state.isEmpty { query.states = JobQuery().states }
                    query.limit = page.limit
                    query.cursor = try page.cursor.map(JobCursor.init(text:))
                    let jobs = try await connection.inspector.jobs(query)
                    jobs.write(json: json, at: try await connection.broker.serverTime(), in: language)
                }
            }
        }
    }

    /// `apium jobs show ID`.
    public struct Show: AsyncParsableCommand {
        public static let configuration = CommandConfiguration(
            abstract: "Show one job: where it is, its arguments and headers, its result.",
            discussion: """
                Examples:
                  apium jobs show 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e
                  apium jobs show 6f9d5c1e-0d0c-4f5b-9a57-0c7f8f6a4b1e --json | jq .message.kwargs

                Exit code 2 when nothing knows of it.
                """)
        @OptionGroup var connection: OperatorOptions
        @Argument(help: "The job's id.") var id: String
        @Flag(help: "Print JSON.") var json = false
        public init() {}

        public func run() async throws {
            let language = connection.language
            try await reportingFaults {
                try await connection.withConnection { connection in
                    let explanation = try await connection.inspector.explain(id)
                    let document = try await connection.results.document(for: id)
                    if json {
                        CommandOutput.json([
                            "explanation": explanation.json, "message": explanation.message?.shown ?? .null,
                            "result": document.map { ["state": .string($0.state.rawValue), "result": $0.result] } ?? .null,
                        ])
                    } else {
                        explanation.write(in: language)
                        for (name, value) in explanation.message?.shown.objectValue?.sorted(by: { $0.key < $1.key }) ?? [] where !value.isNull {
                            CommandOutput.line(Terminal.plain("  \(name): \(value.text)"))
                        }
                        if let document { CommandOutput.line(Terminal.plain("  result: \(document.state) \(document.result.text)")) }
                    }
                    if explanation.standing == .unknown { throw CommandOutput.notThere }
                }
            }
        }
    }
}

/// A state on the command line.
struct StateArgument: ExpressibleByArgument {
    let place: JobPlace

    init?(argument: String) {
        guard let place = JobPlace(rawValue: argument) else { return nil }
        self.place = place
    }

    static var allValueStrings: [String] { JobPlace.allCases.map(\.rawValue) }
    static var defaultCompletionKind: CompletionKind { .list(allValueStrings) }
}

extension Explanation {
    /// Writes the answer to standard output; what is in the way stands out.
    func write(in language: Language) {
        for (number, line) in text(in: language).split(separator: "\n").enumerated() {
            let plain = Terminal.plain(String(line))
            CommandOutput.line(number == 0 ? Terminal.strong(plain) : number <= obstacles.count ? Terminal.styled(plain, .yellow) : plain)
        }
    }
}

extension JobPage {
    /// Writes the page to standard output.
    func write(json: Bool, at now: Timestamp, in language: Language) {
        if json {
            return CommandOutput.json([
                "jobs": .array(rows.map(\.json)), "next": next.map { .string($0.text) } ?? .null, "gaps": .array(gaps.map(\.json)),
            ])
        }
        var table = TextTable("ID", "NAME", "STATE", "QUEUE", "AGE", "")
        for row in rows { table.add(row.id, row.task ?? "?", row.place.rawValue, row.queue, row.age(at: now), row.remark(at: now)) }
        table.write()
        Gap.complain(gaps, in: language)
        if let next { CommandOutput.complain("there is more: --cursor '\(next.text)'") }
    }
}

extension Gap {
    /// Says on standard error what could not be looked at.
    static func complain(_ gaps: [Gap], in language: Language) {
        let words = language == .russian ? "не просмотрено: " : "not looked at: "
        for line in gaps.lines(in: language) { CommandOutput.complain(words + Terminal.plain(line)) }
    }
}

extension JobRow {
    /// How long ago the job was sent, or set aside; `–` when its sender does not say so.
    fileprivate func age(at now: Timestamp) -> String {
        (place.shelf == nil ? sentAt : at).map { Language.english.text(now - $0) } ?? "–"
    }

    fileprivate func remark(at now: Timestamp) -> String {
        switch place {
        case .inFlight: "on \(worker ?? "?")"
        case .ready: arguments ?? ""
        case .held: "waits for \(reason ?? "?")"
        case .scheduled: at.map { $0 > now ? "in \(Language.english.text($0 - now))" : "due" } ?? ""
        case .quarantine, .dead, .parked: reason ?? ""
        }
    }
}

extension Message {
    /// The message as it is shown: headers, and arguments where they can be read.
    var shown: JSONValue {
        let arguments = try? arguments()
        return [
            "name": .string(task), "args": arguments.map { .array($0.args) } ?? .null, "kwargs": arguments.map { .object($0.kwargs) } ?? .null,
            "retries": .int(Int64(headers.retries)), "eta": headers.eta.map { .string($0) } ?? .null, "expires": headers.expires.map { .string($0) } ?? .null,
            "group": headers.group.map { .string($0) } ?? .null, "root_id": headers.rootID.map { .string($0) } ?? .null,
            "parent_id": headers.parentID.map { .string($0) } ?? .null, "origin": headers.origin.map { .string($0) } ?? .null,
            "priority": .int(Int64(properties.priority)), "redelivered": .bool(properties.redelivered), "headers": .object(headers.custom),
            "sent_at": sentAt.map { .string($0.iso8601) } ?? .null,
        ]
    }
}
