import FoundationEssentials

/// Reads settings, noting every fault, so that a wrong deployment is told everything at once.
///
/// A reading method that finds a fault answers a value that is safe to hold; ``check()`` then throws before anything uses it.
///
/// ```swift
/// var settings = try Settings.load()
/// let port = settings.port(.apiPort)
/// let token = settings.secret(.serviceToken, minimumLength: 32)
/// try settings.check()
/// ```
public struct Settings: Sendable {
    private let values: [String: String]
    /// What was found wrong up to now.
    public private(set) var faults: [String] = []
    /// Names that look like settings but are none, each with what may have been meant; to be logged as warnings.
    public let suspicions: [String]

    /// Takes settings from values; an empty value counts as not set.
    public init(values: [String: String], known: [Setting] = Setting.all) {
        self.values = values.filter { !$0.value.isEmpty }
        let names = known.map(\.name)
        suspicions = values.keys.sorted().filter { $0.hasPrefix("PRICEWATCH_") && !names.contains($0) }.map { name in
            let near = names.min { EditDistance.between($0, name) < EditDistance.between($1, name) }
            guard let near, EditDistance.between(near, name) <= 3 else { return "\(name) is no setting; it has no effect" }
            return "\(name) is no setting; did you mean \(near)?"
        }
    }

    /// Reads the process environment and, below it, the file named by `PRICEWATCH_ENV_FILE` or else `.env` in the working directory.
    ///
    /// - Throws: ``SettingsError`` when a named file is missing, or a file is damaged.
    public static func load(environment: [String: String] = ProcessInfo.processInfo.environment, directory: String? = nil) throws(SettingsError) -> Settings {
        let directory = directory ?? FileManager.default.currentDirectoryPath
        var values: [String: String] = [:]
        if let named = environment[Setting.envFile.name], !named.isEmpty {
            let path = named.hasPrefix("/") ? named : directory + "/" + named
            guard let text = try text(ofFile: path) else {
                throw SettingsError(["\(Setting.envFile.name): there is no file \(path)"])
            }
            values = try EnvFile.parse(text, name: path)
        } else if let text = try text(ofFile: directory + "/.env") {
            values = try EnvFile.parse(text)
        }
        for (name, value) in environment where !value.isEmpty { values[name] = value }
        return Settings(values: values)
    }

    private static func text(ofFile path: String) throws(SettingsError) -> String? {
        guard FileManager.default.fileExists(atPath: path) else { return nil }
        guard let data = FileManager.default.contents(atPath: path) else { throw SettingsError(["\(path) cannot be read"]) }
        guard let text = String(validating: data, as: UTF8.self) else { throw SettingsError(["\(path) is not UTF-8"]) }
        return text
    }

    /// What is set, by name, without defaults: for parts that read settings of their own from it.
    public var given: [String: String] { values }

    /// Ends the reading.
    ///
    /// - Throws: ``SettingsError`` with all faults, if there are any.
    public func check() throws(SettingsError) {
        guard faults.isEmpty else { throw SettingsError(faults) }
    }

    /// Notes a fault that the caller found, for example two settings that contradict each other.
    public mutating func refuse(_ setting: Setting, _ reason: String) {
        let shown = setting.isSecret ? "" : raw(setting).map { " \(Self.quoted($0))" } ?? ""
        let standard = setting.isSecret ? nil : setting.defaultValue.map { ", default \($0)" }
        let fault = "\(setting.name):\(shown) \(reason)\(standard ?? "")"
        if !faults.contains(fault) { faults.append(fault) }
    }

    /// The value or the default; `nil` when there is neither.
    public func raw(_ setting: Setting) -> String? { values[setting.name] ?? setting.defaultValue }

    /// A value in quotes, cut, and with nothing in it that moves a terminal's cursor.
    private static func quoted(_ value: String) -> String {
        let clean = value.unicodeScalars.prefix(80).map { $0.value < 32 || $0.value == 127 ? "?" : String($0) }.joined()
        return "\"\(clean)\""
    }
}

/// How many letters lie between two names.
enum EditDistance {
    static func between(_ left: String, _ right: String) -> Int {
        let right = Array(right.utf8)
        var row = Array(0...right.count)
        for (line, letter) in left.utf8.enumerated() {
            var diagonal = row[0]
            row[0] = line + 1
            for (column, other) in right.enumerated() {
                let above = row[column + 1]
                row[column + 1] = min(above + 1, row[column] + 1, diagonal + (letter == other ? 0 : 1))
                diagonal = above
            }
        }
        return row[right.count]
    }
}
