import DynamicJSON

extension Message {
    /// The header in which it is counted how often this job took a process down with it.
    public static let crashHeader = "apium_crashes"

    /// How often this job took a process down with it: its worker, or the child process it ran in. A sender may have put any number
    /// there; what is out of bounds is brought into 0…1,000,000.
    public var crashes: Int {
        get { Int(min(max(headers.custom[Self.crashHeader]?.intValue ?? 0, 0), 1_000_000)) }
        set { headers.custom[Self.crashHeader] = .int(Int64(newValue)) }
    }
}
