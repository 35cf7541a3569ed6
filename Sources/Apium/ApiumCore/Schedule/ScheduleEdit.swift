/// One change of the dynamic store: what stands under a name, before and after.
public struct ScheduleEdit: Sendable, Hashable {
    /// The entry.
    public var entry: String
    /// What stands there, as the editor read it; `nil`: nothing. Where it is something else the edit is refused.
    public var before: String?
    /// What shall stand there; `nil`: nothing.
    public var after: String?

    /// Makes an edit.
    public init(entry: String, before: String?, after: String?) {
        self.entry = entry
        self.before = before
        self.after = after
    }
}

/// Who changes the schedule, and what they call it.
public struct ScheduleEditor: Sendable, Hashable {
    /// A person, a token, a program.
    public var name: String
    /// The action: `add`, `edit`, `enable`, `disable`, `remove`, `import`, `run`.
    public var action: String

    /// Makes an editor.
    public init(_ name: String, action: String) {
        self.name = name
        self.action = action
    }
}

/// A line of the schedule's audit.
public struct ScheduleAuditRecord: Sendable, Hashable {
    /// When, on the broker's clock.
    public var at: Timestamp
    /// Who and what.
    public var editor: ScheduleEditor
    /// The entry.
    public var entry: String
    /// What stood there; `nil`: nothing.
    public var before: String?
    /// What stands there since; `nil`: nothing.
    public var after: String?

    /// How many lines are kept, about.
    public static let kept = 1_000

    /// Makes a record.
    public init(at: Timestamp, editor: ScheduleEditor, entry: String, before: String?, after: String?) {
        self.at = at
        self.editor = editor
        self.entry = entry
        self.before = before
        self.after = after
    }
}

/// Everything that the broker knows of the schedule.
public struct StoredSchedule: Sendable, Hashable {
    /// What is in force.
    public var edition: ScheduleEdition
    /// The definitions that the deployment in force brought, by name.
    public var deployed: [String: String]
    /// What stands in the dynamic store, by name.
    public var edits: [String: String]
    /// From where the entries in force go on.
    public var progress: [String: EntryProgress]

    /// Makes a schedule.
    public init(edition: ScheduleEdition, deployed: [String: String] = [:], edits: [String: String] = [:], progress: [String: EntryProgress] = [:]) {
        self.edition = edition
        self.deployed = deployed
        self.edits = edits
        self.progress = progress
    }
}
