/// Settings that cannot be used: every fault at once, each saying what was found and what would be right.
public struct SettingsError: Error, Sendable, Hashable, CustomStringConvertible {
    /// One sentence per fault, each beginning with the setting's name or the file's line.
    public var faults: [String]

    /// Makes an error of at least one fault.
    public init(_ faults: [String]) { self.faults = faults }

    public var description: String {
        let head = faults.count == 1 ? "One setting cannot be used:" : "\(faults.count) settings cannot be used:"
        return ([head] + faults.map { "  " + $0 }).joined(separator: "\n")
    }
}
