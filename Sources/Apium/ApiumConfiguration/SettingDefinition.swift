import DynamicJSON

/// One setting: its names, what it takes, what it is for, and where it stands in ``ApiumSettings``.
public struct SettingDefinition: Sendable {
    /// The name in files: Celery's, where Celery has the setting.
    public let name: String
    /// Its names in the environment; the first that is set counts.
    public let environment: [String]
    /// What it takes, in words.
    public let takes: String
    /// What it is for, in one line.
    public let help: String
    /// Whether Celery has this setting under this name.
    public let isCelerys: Bool
    /// Whether a text of the environment is read as YAML.
    let isStructured: Bool
    let read: @Sendable (JSONValue, inout ApiumSettings, (String, String) -> Void) throws -> Void
    private let showValue: @Sendable (ApiumSettings) -> JSONValue

    /// - Parameters:
    ///   - short: a name in the environment besides `APIUM_<NAME>` and, if it is Celery's, `CELERY_<NAME>`.
    init<Value>(
        _ name: String, short: String? = nil, own: Bool = false, _ shape: SettingShape<Value>, _ path: any WritableKeyPath<ApiumSettings, Value> & Sendable,
        _ help: String
    ) {
        self.name = name
        let upper = name.uppercased()
        environment = [short, "APIUM_" + upper].compactMap { $0 } + (own ? [] : ["CELERY_" + upper])
        takes = shape.takes
        self.help = help
        isCelerys = !own
        isStructured = shape.isStructured
        read = { value, settings, note in settings[keyPath: path] = try shape.read(value, note) }
        showValue = { shape.show($0[keyPath: path]) }
    }

    /// A setting of Celery's that names serialisations among those that the program brings.
    init<Value>(
        _ name: String, _ shape: ContentShape<Value>, _ path: any WritableKeyPath<ApiumSettings, Value> & Sendable, _ help: String
    ) {
        self.name = name
        environment = ["APIUM_" + name.uppercased(), "CELERY_" + name.uppercased()]
        takes = shape.takes
        self.help = help
        isCelerys = true
        isStructured = false
        read = { value, settings, _ in settings[keyPath: path] = try shape.read(value, settings.serializers) }
        showValue = { shape.show($0[keyPath: path]) }
    }

    /// The value in force, secrets masked; null when it is not set.
    public func show(_ settings: ApiumSettings) -> JSONValue { showValue(settings) }

    /// Every setting, in the order of the documentation.
    public static let all = broker + results + routing + content + security + tasks + worker + beat

    /// The settings by name.
    static let byName = Dictionary(all.map { ($0.name, $0) }) { first, _ in first }
}
