import ApiumCore
import DotEnv
import DynamicJSON
import Foundation

/// Reads ``ApiumSettings`` from where they may stand: a YAML file, `.env`, the environment, the command line; the later wins.
///
/// All faults are told at once, each with its source. What Celery knows and means nothing here is noted with the reason.
///
/// ```swift
/// let loaded = try SettingsReader(environment: ProcessInfo.processInfo.environment).load()
/// let apium = try loaded.settings.connect(logger: logger)
/// ```
public struct SettingsReader: Sendable {
    /// A value given on the command line.
    public struct Argument: Sendable {
        /// The setting's name.
        public var name: String
        /// The value; a text is read as it would be in the environment.
        public var value: JSONValue
        /// The option, for messages: `--broker`.
        public var option: String

        /// Makes an argument.
        public init(_ name: String, _ value: JSONValue, option: String) {
            self.name = name
            self.value = value
            self.option = option
        }
    }

    /// The environment; a program that has read its `.env` itself puts both together here.
    public var environment: [String: String]
    /// The settings file; nil: the one that `APIUM_CONFIG` names, if any.
    public var file: String?
    /// A file in the form of `.env`; its values stand below the environment's. Default: nil, none is read.
    public var environmentFile: String?
    /// What the command line says.
    public var arguments: [Argument]
    /// What counts where nothing is said. Default: ``ApiumSettings/init()``.
    public var defaults: ApiumSettings

    /// Makes a reader.
    public init(
        environment: [String: String], file: String? = nil, environmentFile: String? = nil, arguments: [Argument] = [],
        defaults: ApiumSettings = ApiumSettings()
    ) {
        self.environment = environment
        self.file = file
        self.environmentFile = environmentFile
        self.arguments = arguments
        self.defaults = defaults
    }

    /// The variable that names the settings file.
    public static let fileVariable = "APIUM_CONFIG"

    /// Reads everything.
    ///
    /// - Throws: ``ApiumError`` `invalidConfiguration` with every fault, one per line.
    public func load() throws -> LoadedSettings {
        var reading = SettingsReading(defaults)
        let fromFile = environmentFile.map { reading.variables(ofFile: $0) } ?? [:]
        if let path = file ?? named(Self.fileVariable, in: environment) ?? named(Self.fileVariable, in: fromFile) { reading.readFile(path) }
        if let environmentFile { reading.readEnvironment(fromFile) { "\(environmentFile), \($0)" } }
        reading.readEnvironment(environment) { "environment, \($0)" }
        for argument in arguments { reading.take(argument) }
        reading.check()
        guard reading.faults.isEmpty else { throw ApiumError(.invalidConfiguration, reading.faults.joined(separator: "\n")) }
        return LoadedSettings(settings: reading.settings, origins: reading.origins, notes: reading.notes)
    }

    private func named(_ variable: String, in environment: [String: String]) -> String? {
        environment[variable].flatMap { $0.isEmpty ? nil : $0 }
    }
}

/// Settings, and where each of them came from.
public struct LoadedSettings: Sendable {
    /// The settings.
    public var settings: ApiumSettings
    /// Where a setting's value came from, by name; missing: it is the default.
    public var origins: [String: String]
    /// What was found and has no effect, each with the reason: to be logged once at the start.
    public var notes: [String]

    /// Makes a value.
    public init(settings: ApiumSettings, origins: [String: String] = [:], notes: [String] = []) {
        self.settings = settings
        self.origins = origins
        self.notes = notes
    }
}

/// The state of a reading: values, where they came from, and what is wrong.
struct SettingsReading {
    var settings: ApiumSettings
    var origins: [String: String] = [:]
    var notes: [String] = []
    var faults: [String] = []

    init(_ defaults: ApiumSettings) {
        settings = defaults
        settings.bringSigning()
    }

    // MARK: Sources

    mutating func readFile(_ path: String) {
        guard let text = text(ofFile: path, mustExist: true) else { return }
        do {
            // In the order of the table: a setting that is a part of another one's value comes after it, wherever it stands in the file.
            let order = Dictionary(SettingDefinition.all.enumerated().map { ($1.name, $0) }) { first, _ in first }
            let entries = try SettingsDocument(yaml: text, name: path).entries.sorted {
                (order[$0.name] ?? .max, $0.line) < (order[$1.name] ?? .max, $1.line)
            }
            for entry in entries { take(entry.name, entry.value, from: "\(path), line \(entry.line)") }
        } catch {
            faults.append("\(error)")
        }
    }

    /// The lines of a file in the form of `.env`; none when it doesn't exist, or is a folder: `.env` is also what virtual environments are called.
    mutating func variables(ofFile path: String) -> [String: String] {
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: path, isDirectory: &isFolder), isFolder.boolValue { return [:] }
        guard let text = text(ofFile: path, mustExist: false) else { return [:] }
        do {
            return try EnvironmentFile.parse(text, name: path)
        } catch {
            faults += error.faults
            return [:]
        }
    }

    private mutating func text(ofFile path: String, mustExist: Bool) -> String? {
        guard FileManager.default.fileExists(atPath: path) else {
            if mustExist { faults.append("the settings file \(path) does not exist") }
            return nil
        }
        guard let data = FileManager.default.contents(atPath: path) else {
            faults.append("the file \(path) cannot be read: it is no file, or its permissions forbid it")
            return nil
        }
        guard let text = String(validating: data, as: UTF8.self) else {
            faults.append("the file \(path) cannot be read as UTF-8")
            return nil
        }
        return text
    }

    /// - Parameter origin: makes the words for where a variable stood.
    mutating func readEnvironment(_ environment: [String: String], origin: (String) -> String) {
        for definition in SettingDefinition.all {
            guard let variable = definition.environment.first(where: { environment[$0].map { !$0.isEmpty } ?? false }), let text = environment[variable] else {
                continue
            }
            take(definition, text: text, from: origin(variable))
        }
        noteUnknown(environment, origin: origin)
    }

    /// A variable may belong to somebody else, so a wrong name is no fault; one that is near to a setting's is told.
    private mutating func noteUnknown(_ environment: [String: String], origin: (String) -> String) {
        let known = Set(SettingDefinition.all.flatMap(\.environment)).union([SettingsReader.fileVariable])
        for name in environment.keys.sorted() where name.hasPrefix("APIUM_") && !known.contains(name) {
            guard let near = NearestName.nearest(to: name, among: known) else { continue }
            notes.append("\(origin(name)): no such setting; did you mean \(near)?")
        }
    }

    // MARK: Values

    /// A text of the command line is read as one of the environment.
    mutating func take(_ argument: SettingsReader.Argument) {
        let origin = "command line, \(argument.option)"
        guard let definition = SettingDefinition.byName[argument.name], let text = argument.value.stringValue else {
            return take(argument.name, argument.value, from: origin)
        }
        take(definition, text: text, from: origin)
    }

    private mutating func take(_ definition: SettingDefinition, text: String, from origin: String) {
        do {
            let value = definition.isStructured ? try SettingsDocument.value(of: definition.name, text: text) : .string(text)
            take(definition, value, from: origin)
        } catch let fault as SettingFault {
            faults.append("\(origin): \(definition.name) \(fault.reason)")
        } catch {
            faults.append("\(origin): \(error)")
        }
    }

    mutating func take(_ name: String, _ value: JSONValue, from origin: String) {
        if let definition = SettingDefinition.byName[name] { return take(definition, value, from: origin) }
        switch CelerySetting.verdict(on: name, value) {
        case .noEffect(let why): notes.append("\(origin): \(name) has no effect: \(why)")
        case .refused(let why): faults.append("\(origin): \(name): \(why)")
        case .unknown:
            let lowercase = name.lowercased()
            let hint =
                SettingDefinition.byName[lowercase] != nil
                ? "; did you mean '\(lowercase)'?" : NearestName.hint(name, among: SettingDefinition.byName.keys)
            faults.append("\(origin): \(name) is no setting\(hint)")
        }
    }

    private mutating func take(_ definition: SettingDefinition, _ value: JSONValue, from origin: String) {
        // Null is Celery's way to say "not set".
        guard value != .null else { return }
        var found: [String] = []
        do {
            try definition.read(value, &settings) { found.append("\(origin): \(definition.name).\($0) has no effect: \($1)") }
            origins[definition.name] = origin
        } catch let fault as SettingFault {
            faults.append("\(origin): \(definition.name) \(fault.reason)")
        } catch {
            faults.append("\(origin): \(definition.name): \(error)")
        }
        notes += found
    }

    // MARK: The whole

    /// What single values don't show.
    mutating func check() {
        guard faults.isEmpty else { return }
        checkSigning()
        for (name, make) in [("broker_url", settings.brokerConfiguration), ("result_backend", settings.resultConfiguration)] {
            do { _ = try make() } catch { faults.append("\(origins[name] ?? "default"): \(name): \(error)") }
        }
        if let soft = settings.jobDefaults.softTimeLimit, let hard = settings.jobDefaults.timeLimit, soft > hard {
            faults.append("task_soft_time_limit (\(soft)) is longer than task_time_limit (\(hard)); a run would never be told to end")
        }
        for queue in settings.workerQueues ?? [] {
            do { _ = try settings.router.bindings(of: [queue]) } catch { faults.append("\(origins["worker_queues"] ?? "default"): worker_queues: \(error)") }
        }
        for rule in settings.router.routes.flatMap(\.rules) {
            guard let queue = rule.route.queue else { continue }
            do { _ = try settings.router.bindings(of: [queue]) } catch {
                faults.append("\(origins["task_routes"] ?? "default"): task_routes, '\(rule.name)': \(error)")
            }
        }
    }
}
