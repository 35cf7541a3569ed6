import ApiumCore
import DynamicJSON

/// The schedule that follows from what a deployment brings and what stands in the dynamic store.
///
/// A deployment's entries are its own: the dynamic store can switch them off and on, and nothing else. It adds entries under other names.
/// Where a later deployment brings an entry of the same name, the deployment's counts, and the other one is shadowed until it is removed.
struct ScheduleBook {
    /// What may stand under a name in the dynamic store.
    enum Edit: Equatable {
        /// An entry.
        case entry(ScheduleEntry)
        /// Whether the deployment's entry of that name is enabled.
        case enabled(Bool)

        /// Reads what stands there.
        ///
        /// - Throws: ``ApiumError`` `invalidConfiguration` with every fault.
        init(name: String, document: String) throws {
            let value = try? JSONValue(parsing: document)
            if let definition = value?["entry"] {
                self = .entry(try ScheduleEntry(name: name, definition: definition))
            } else if let flag = value?["enabled"]?.boolValue {
                self = .enabled(flag)
            } else {
                throw ApiumError(.invalidConfiguration, "what is stored under \(name) is neither an entry nor a switch")
            }
        }

        /// The edit as it is stored.
        var document: String {
            switch self {
            case .entry(let entry): JSONValue.object(["entry": entry.definition]).text
            case .enabled(let flag): JSONValue.object(["enabled": .bool(flag)]).text
            }
        }
    }

    /// The deployment's entries, in its order.
    let deployed: [ScheduleEntry]
    /// The dynamic store, as far as it can be read.
    private(set) var edits: [String: Edit] = [:]
    /// What cannot be read, by name.
    private(set) var faults: [String: String] = [:]
    /// The definitions that the deployment brings, by name.
    let documents: [String: String]
    private var texts: [String: String] = [:]

    init(deployed: [ScheduleEntry]) {
        self.deployed = deployed
        documents = Dictionary(deployed.map { ($0.name, $0.definition.text) }) { first, _ in first }
    }

    /// Takes over what stands in the store; what has not changed is not read again. Answers the faults of what has.
    mutating func read(edits documents: [String: String]) -> [String] {
        var found: [String] = []
        for name in texts.keys where documents[name] == nil {
            edits[name] = nil
            faults[name] = nil
        }
        for (name, document) in documents where texts[name] != document {
            do {
                edits[name] = try Edit(name: name, document: document)
                faults[name] = nil
            } catch {
                edits[name] = nil
                faults[name] = (error as? ApiumError)?.message ?? "\(error)"
                found.append("\(name): \(faults[name] ?? "")")
            }
        }
        texts = documents
        return found
    }

    /// The entries in force: those of the deployment, then those that were added, by name.
    var entries: [ScheduleEntry] {
        let own = deployed.map { entry in
            var entry = entry
            if case .enabled(let flag)? = edits[entry.name] { entry.isEnabled = flag }
            return entry
        }
        let added = edits.compactMap { name, edit -> ScheduleEntry? in
            if case .entry(let entry) = edit, documents[name] == nil { entry } else { nil }
        }
        return own + added.sorted { $0.name < $1.name }
    }
}
