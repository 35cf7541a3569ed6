/// One setting of the environment: its name, its default and what it is for.
///
/// The settings of all processes are listed in ``all`` and nowhere else; a test compares the list with `.env.example`.
public struct Setting: Sendable, Hashable {
    /// The environment variable.
    public let name: String
    /// What counts when it is not set or empty; `nil`: nothing does.
    public let defaultValue: String?
    /// One line: meaning, unit, special values.
    public let help: String
    /// Its value is never shown, not even in a fault.
    public let isSecret: Bool

    /// Describes a setting.
    public init(_ name: String, default defaultValue: String? = nil, secret: Bool = false, _ help: String) {
        self.name = name
        self.defaultValue = defaultValue
        self.help = help
        isSecret = secret
    }
}
