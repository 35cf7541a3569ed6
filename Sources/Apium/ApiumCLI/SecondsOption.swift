import ArgumentParser

/// Options that are a number of seconds.
enum SecondsOption {
    /// Refuses what no clock can be moved by; the bound is that of settings, 31 years.
    ///
    /// - Throws: `ValidationError` for less than 0, for more than 10^9, and for what is no number.
    static func validate(_ name: String, _ value: Double?) throws {
        if let value, !(0...1e9).contains(value) { throw ValidationError("\(name) is a number of seconds, 0 to 1000000000") }
    }
}
