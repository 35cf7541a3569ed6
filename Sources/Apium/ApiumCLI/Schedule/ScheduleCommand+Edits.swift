import Apium
import ApiumBeat
import ArgumentParser
import DynamicJSON
import Foundation

extension ScheduleCommand {
    /// `apium schedule add NAME`.
    struct Add: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add an entry to the dynamic store, or replace one.",
            discussion: """
                It takes exactly one of --every, --crontab, --solar and --at.

                Example: apium schedule add nightly-report --task report.nightly --crontab '0 3 * * *' --timezone Europe/Moscow
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var editing: EditorOptions
        @Argument(help: "The entry's name.") var name: String
        @Option(help: "The task's name.") var task: String
        @Option(help: "A period, for example 10s.") var every: String?
        @Option(help: "Five fields, for example \"*/5 * * * *\".") var crontab: String?
        @Option(help: "An event of the sun: EVENT,LATITUDE,LONGITUDE.") var solar: String?
        @Option(help: "One instant, ISO 8601.") var at: String?
        @Option(help: "An IANA time zone. Default: UTC.") var timezone: String?
        @Option(help: "Positional arguments, a JSON list.") var args: String?
        @Option(help: "Keyword arguments, a JSON object.") var kwargs: String?
        @Option(help: "The queue.") var queue: String?
        @Option(help: "The priority, 0 (first) to 9.") var priority: Int?
        @Option(help: "How long after the slot the job is still worth running.") var expires: String?
        @Option(help: "Each job is delayed by less than this.") var jitter: String?
        @Option(help: "No slot before this instant.") var start: String?
        @Option(help: "No slot after this instant.") var end: String?
        @Option(help: "Missed slots: skip, once or all.") var catchUp: String?
        @Option(help: "While the last job has not ended: allow, skip, queue or cancel.") var overlap: String?
        @Flag(help: "Add it without enabling it.") var disabled = false
        @Flag(help: "Replace an entry that was added before.") var replace = false
        @Flag(help: "Only show what would be done, and the next slots.") var dryRun = false

        func run() async throws {
            try await connection.withScheduleDesk { desk in
                let entry = try ScheduleEntry(name: name, definition: try definition())
                guard dryRun else { return try await desk.add(entry, by: editing.editor, replacing: replace) }
                let plan = try await desk.plan(adding: [entry], replacing: replace)
                if let fault = plan.refusals.first { throw fault }
                for edit in plan.edits { CommandOutput.line("would \(edit.before == nil ? "add" : "replace") \(name): \(entry.definition.text)") }
                for slot in entry.preview(count: 5, after: .now()) { CommandOutput.line("  next  \(slot)") }
            }
        }

        /// What was given, as it would stand in a file: the reader of files then says what is wrong.
        private func definition() throws -> JSONValue {
            let texts: [String: String?] = [
                "task": task, "every": every, "crontab": crontab, "at": at, "timezone": timezone, "jitter": jitter, "start": start, "end": end,
                "catch_up": catchUp, "overlap": overlap,
            ]
            var map = texts.compactMapValues { $0.map(JSONValue.string) }
            if let solar {
                let parts = solar.split(separator: ",", omittingEmptySubsequences: false)
                guard parts.count == 3, let latitude = Double(parts[1]), let longitude = Double(parts[2]) else {
                    throw ApiumError(.invalidConfiguration, "--solar is \"\(solar)\"; it takes EVENT,LATITUDE,LONGITUDE, for example sunset,55.75,37.62")
                }
                map["solar"] = ["event": .string(String(parts[0])), "lat": .double(latitude), "lon": .double(longitude)]
            }
            if let args { map["args"] = try json(args, "--args") }
            if let kwargs { map["kwargs"] = try json(kwargs, "--kwargs") }
            let options: [String: JSONValue?] = [
                "queue": queue.map(JSONValue.string), "priority": priority.map { .int(Int64($0)) }, "expires": expires.map(JSONValue.string),
            ]
            if options.contains(where: { $0.value != nil }) { map["options"] = .object(options.compactMapValues { $0 }) }
            if disabled { map["enabled"] = false }
            return .object(map)
        }

        private func json(_ text: String, _ option: String) throws -> JSONValue {
            do { return try JSONValue(parsing: text) } catch { throw ApiumError(.invalidConfiguration, "\(option) is no JSON", underlying: error) }
        }
    }

    /// `apium schedule enable NAME`.
    struct Enable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let an entry fire again, a deployment's too.",
            discussion: """
                Slots that passed while it was disabled are not made good.

                Example: apium schedule enable nightly-report
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var editing: EditorOptions
        @Argument(help: "The entry's name.") var name: String

        func run() async throws { try await connection.withScheduleDesk { try await $0.setEnabled(true, name, by: editing.editor) } }
    }

    /// `apium schedule disable NAME`.
    struct Disable: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Let an entry fire no more, a deployment's too.", discussion: "Example: apium schedule disable nightly-report")
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var editing: EditorOptions
        @Argument(help: "The entry's name.") var name: String

        func run() async throws { try await connection.withScheduleDesk { try await $0.setEnabled(false, name, by: editing.editor) } }
    }

    /// `apium schedule run NAME`.
    struct Run: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Enqueue an entry's job now, and print its id.",
            discussion: """
                It is of no slot: the next one fires as ever.

                Example: apium schedule run nightly-report
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var editing: EditorOptions
        @Argument(help: "The entry's name.") var name: String

        func run() async throws {
            try await connection.withScheduleDesk { CommandOutput.line(try await $0.run(name, by: editing.editor)) }
        }
    }

    /// `apium schedule remove NAME`.
    struct Remove: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Remove an entry from the dynamic store.",
            discussion: """
                A deployment's entry can only be disabled.

                Example: apium schedule remove nightly-report --dry-run
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var editing: EditorOptions
        @Argument(help: "The entry's name.") var name: String
        @Flag(help: "Only show what would be removed.") var dryRun = false

        func run() async throws {
            try await connection.withScheduleDesk { desk in
                guard dryRun else { return try await desk.remove(name, by: editing.editor) }
                let listing = try await desk.listing(name)
                guard listing.source != .deployed || listing.isShadowing else {
                    throw ApiumError(.scheduleConflict, "'\(name)' belongs to the deployment: it can be disabled here")
                }
                CommandOutput.line("would remove \(name)  \(listing.words)")
            }
        }
    }

    /// `apium schedule import FILE`.
    struct Import: AsyncParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Add the entries of a schedule file, or of Celery's beat_schedule, to the dynamic store.",
            discussion: """
                The file is YAML or JSON. Where something of it cannot be taken over nothing is, unless --partial is given.

                Example: apium schedule import celery-beat.yaml --timezone Europe/Moscow --dry-run
                """)
        @OptionGroup var connection: OperatorOptions
        @OptionGroup var editing: EditorOptions
        @Argument(help: "The file.") var file: String
        @Option(help: "The time zone of Celery's crontabs, its setting timezone. Default: UTC.") var timezone = "UTC"
        @Flag(help: "Replace entries that were added before.") var replace = false
        @Flag(help: "Import what can be taken over.") var partial = false
        @Flag(help: "Only show what would be done.") var dryRun = false
        @Flag(help: "Print JSON.") var json = false

        func run() async throws {
            try await connection.withScheduleDesk { desk in
                let (entries, faults) = try read()
                let plan = try await desk.plan(adding: entries, replacing: replace)
                let refusals = faults + plan.refusals.map(\.message)
                let isDone = !dryRun && (refusals.isEmpty || partial)
                if isDone { try await desk.carryOut(plan, by: editing.editor) }
                report(plan, refusals, isDone)
                if !refusals.isEmpty && !partial { throw ExitCode(64) }
            }
        }

        private func report(_ plan: SchedulePlan, _ refusals: [String], _ isDone: Bool) {
            if json {
                return CommandOutput.json([
                    "imported": .bool(isDone), "entries": .array(plan.edits.map { .string($0.entry) }), "refused": .array(refusals.map(JSONValue.string)),
                ])
            }
            for edit in plan.edits { CommandOutput.line("\(isDone ? "" : "would ")\(edit.before == nil ? "add" : "replace") \(edit.entry)") }
            for refusal in refusals { CommandOutput.complain(refusal) }
            if plan.edits.isEmpty && refusals.isEmpty { CommandOutput.line("nothing to do") }
        }

        private func read() throws -> ([ScheduleEntry], [String]) {
            guard let zone = ScheduleZone(timezone) else {
                throw ApiumError(.invalidConfiguration, "--timezone is \"\(timezone)\"; it takes a name of the system's tz database, for example Europe/Moscow")
            }
            let text: String
            do { text = try String(contentsOf: URL(fileURLWithPath: file), encoding: .utf8) } catch {
                throw ApiumError(.invalidConfiguration, "\(file) cannot be read", underlying: error)
            }
            if ScheduleFile.isSchedule(yaml: text) { return (try ScheduleFile(yaml: text, name: file).entries, []) }
            let celery = try CelerySchedule(yaml: text, name: file, zone: zone)
            return (celery.entries, celery.faults)
        }
    }
}
