import ApiumCore
import DynamicJSON

/// An entry as it stands now, with where it comes from.
public struct ScheduleListing: Sendable, Hashable {
    /// Where an entry comes from.
    public enum Source: String, Sendable, Hashable, CaseIterable {
        /// A deployment brought it, from its file or its code; the dynamic store can only switch it.
        case deployed
        /// It was added to the dynamic store.
        case added
        /// What stands in the dynamic store belongs to an entry that no deployment brings (any more), or cannot be read.
        case stray
    }

    /// The name.
    public var name: String
    /// Where it comes from.
    public var source: Source
    /// The entry with its switch; `nil` for what is stray.
    public var entry: ScheduleEntry?
    /// Whether the dynamic store switches a deployment's entry.
    public var isSwitched: Bool
    /// Whether an entry of the dynamic store stands under the name of a deployment's, and so has no effect.
    public var isShadowing: Bool
    /// What is wrong with what stands in the dynamic store.
    public var fault: String?
    /// From where it goes on; `nil`: no beat has put it in force yet.
    public var progress: EntryProgress?
    /// The next slot; `nil`: there is none, or it is not enabled.
    public var next: Timestamp?

    /// The listing as JSON, as the command line and the HTTP API show it.
    public var json: JSONValue {
        var map: [String: JSONValue] = [
            "name": .string(name), "source": .string(source.rawValue), "enabled": .bool(entry?.isEnabled ?? false), "switched": .bool(isSwitched),
            "shadowing": .bool(isShadowing), "fault": fault.map(JSONValue.string) ?? .null, "definition": entry?.definition ?? .null,
            "since": (progress?.since.iso8601).map(JSONValue.string) ?? .null, "last": (progress?.mark?.iso8601).map(JSONValue.string) ?? .null,
        ]
        map["next"] = next.map { .string($0.iso8601) } ?? .null
        return .object(map)
    }
}

/// The whole schedule.
public struct ScheduleOverview: Sendable, Hashable {
    /// Which deployment, and how many edits since.
    public var edition: ScheduleEdition
    /// The entries by name.
    public var entries: [ScheduleListing]

    /// Reads what the broker knows.
    init(_ stored: StoredSchedule, now: Timestamp) {
        edition = stored.edition
        let deployed = stored.deployed.compactMap { name, text in
            (try? JSONValue(parsing: text)).flatMap { try? ScheduleEntry(name: name, definition: $0) }
        }
        var book = ScheduleBook(deployed: deployed)
        _ = book.read(edits: stored.edits)
        let inForce = Dictionary(book.entries.map { ($0.name, $0) }) { first, _ in first }
        entries = Set(inForce.keys).union(stored.edits.keys).sorted().map { name in
            let entry = inForce[name]
            let isDeployed = book.documents[name] != nil
            var isSwitched = false
            var isShadowing = false
            switch book.edits[name] {
            case .enabled: isSwitched = isDeployed
            case .entry: isShadowing = isDeployed
            case nil: break
            }
            return ScheduleListing(
                name: name, source: entry == nil ? .stray : isDeployed ? .deployed : .added, entry: entry, isSwitched: isSwitched, isShadowing: isShadowing,
                fault: book.faults[name], progress: stored.progress[name], next: entry?.isEnabled == true ? entry?.next(after: now) : nil)
        }
    }

    /// The entry of a name.
    public subscript(name: String) -> ScheduleListing? { entries.first { $0.name == name } }
}

extension SlotRecord {
    /// The record as JSON, as the command line and the HTTP API show it.
    public var json: JSONValue {
        [
            "entry": .string(entry), "slot": .string(slot.iso8601), "first": .string(first.iso8601), "count": .int(Int64(count)),
            "outcome": .string(outcome.rawValue), "reason": (reason?.rawValue).map(JSONValue.string) ?? .null,
            "job": jobID.map(JSONValue.string) ?? .null, "blocker": blocker.map(JSONValue.string) ?? .null, "decided": .string(decided.iso8601),
            "late_seconds": outcome == .skipped ? .null : .double(lateness.inSeconds),
        ]
    }
}

extension ScheduleAuditRecord {
    /// The line as JSON, as the command line and the HTTP API show it.
    public var json: JSONValue {
        func document(_ text: String?) -> JSONValue { text.map { (try? JSONValue(parsing: $0)) ?? .string($0) } ?? .null }
        return [
            "at": .string(at.iso8601), "editor": .string(editor.name), "action": .string(editor.action), "entry": .string(entry), "before": document(before),
            "after": document(after),
        ]
    }
}

extension SlotPreview {
    /// The slot as JSON, as the command line and the HTTP API show it.
    public var json: JSONValue { ["slot": .string(slot.iso8601), "local": .string(local), "note": note.map { .string($0.description) } ?? .null] }
}
