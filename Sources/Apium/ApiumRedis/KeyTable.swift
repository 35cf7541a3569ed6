import ApiumCore

/// The broker's own keys as `doctor` knows them: the same as the table in docs/internals/redis-layout.md, which a test compares.
struct KeyTable {
    /// What a key is.
    enum Rule: Equatable {
        /// It is what it is.
        case known
        /// It should end by itself.
        case ends
        /// The record of a process.
        case worker(String)
        /// The register of a process' batches.
        case flight(String)
        /// The messages of a batch.
        case batch(String, Int)
        /// What belongs to a batch.
        case marks(String, Int)
        /// Who runs under a limit.
        case permits(HoldTarget)
    }

    private static let known: Set<String> = [
        "version", "workers", "reaped", "fence", "scheduled", "scheduled:messages", "parked", "parked:messages", "dead", "dead:messages", "quarantine",
        "quarantine:messages", "control", "revoked", "terminated", "revoked:stamps", "terminated:stamps", "beat:marks", "beat:generation", "beat:versions",
        "beat:since", "beat:entries", "schedule:edits", "schedule:revision", "schedule:audit", "schedule:changes", "limits", "paused", "paused:lists",
        "waiting", "held", "away", "unique:queues",
    ]
    private static let ending: Set<String> = ["janitor", "revoked:by", "silence", "unique:timed"]
    private static let knownFamilies = ["beat:ledger:", "beat:run:", "beat:waiting:", "waiting:"]
    private static let endingFamilies = ["known:", "limit:", "unique:", "history:"]

    /// The rule for a key, named without prefix and without `apium:`; `nil`: it is none of ours.
    static func rule(for name: String) -> Rule? {
        if known.contains(name) { return .known }
        if ending.contains(name) { return .ends }
        if knownFamilies.contains(where: name.hasPrefix) { return .known }
        if endingFamilies.contains(where: name.hasPrefix) { return .ends }
        let parts = name.split(separator: ":", omittingEmptySubsequences: false).map(String.init)
        switch (parts.first, parts.count) {
        case ("worker", 2): return .worker(parts[1])
        case ("flight", 2): return .flight(parts[1])
        case ("flight", 3): return Int(parts[2]).map { .batch(parts[1], $0) }
        case ("permits", 2...): return HoldTarget(text: parts.dropFirst().joined(separator: ":")).map { .permits($0) } ?? .known
        case ("marks", 3), ("joins", 3), ("holds", 3): return Int(parts[2]).map { .marks(parts[1], $0) }
        default: return nil
        }
    }
}
