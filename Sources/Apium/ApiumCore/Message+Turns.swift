import DynamicJSON

extension Message {
    /// The header in which it is counted how often workers that don't know the job have passed it on to one that does.
    public static let passedOnHeader = "apium_passed_on"

    /// How often workers that don't know the job have passed it on. A sender may have put any number there; what is out of bounds is
    /// brought into 0…1,000. Zero takes the header away.
    public var timesPassedOn: Int {
        get { Int(min(max(headers.custom[Self.passedOnHeader]?.intValue ?? 0, 0), 1_000)) }
        set { headers.custom[Self.passedOnHeader] = newValue == 0 ? nil : .int(Int64(newValue)) }
    }
}
