import DynamicJSON

/// What is said about a call beside its task and arguments: Celery's arguments of `apply_async` and the ids that freezing gave
/// (celery-wire 8.1).
///
/// ```swift
/// var call = Signature("shop.fetch", options: ["queue": "fetch"])
/// call.options.priority = 3
/// call.options["x-tenant"] = "north"
/// ```
///
/// Each option with a meaning in Swift is a property, whose value is `nil` when the option is not said, or said as something that it
/// cannot be; sending such a signature says which one and why. Everything else stands under its name on the wire and is carried along
/// untouched, which is why the options as a whole are kept as they came.
public struct SignatureOptions: Sendable, Hashable {
    /// All of them under Celery's names.
    public var wire: [String: JSONValue]

    /// Options under Celery's names. Default: none.
    public init(_ wire: [String: JSONValue] = [:]) { self.wire = wire }

    /// An option under Celery's name; `nil` is not said, and setting it removes it.
    public subscript(name: String) -> JSONValue? {
        get { wire[name] }
        set { wire[name] = newValue }
    }

    /// Whether nothing is said.
    public var isEmpty: Bool { wire.isEmpty }

    /// What is said, without what is said to be nothing.
    var said: [String: JSONValue] { wire.filter { !$0.value.isNull } }
}

extension SignatureOptions: ExpressibleByDictionaryLiteral {
    /// Options under Celery's names; of a name that is said twice the last counts.
    public init(dictionaryLiteral elements: (String, JSONValue)...) { self.init(Dictionary(elements) { $1 }) }
}

extension SignatureOptions {
    /// The job's id; of a chain its last step's, of a group the group's own: `task_id`.
    public var id: String? {
        get { wire["task_id"]?.stringValue }
        set { wire["task_id"] = newValue.map { .string($0) } }
    }

    /// The queue by name: `queue`. A Python sender may leave a whole queue there, of which the name counts.
    public var queue: String? {
        get { wire["queue"]?.stringValue ?? wire["queue"]?["name"]?.stringValue }
        set { wire["queue"] = newValue.map { .string($0) } }
    }

    /// A named direct exchange, for use with ``routingKey``: `exchange`.
    public var exchange: String? {
        get { wire["exchange"]?.stringValue }
        set { wire["exchange"] = newValue.map { .string($0) } }
    }

    /// The routing key on ``exchange``: `routing_key`.
    public var routingKey: String? {
        get { wire["routing_key"]?.stringValue }
        set { wire["routing_key"] = newValue.map { .string($0) } }
    }

    /// 0 (first) to 9: `priority`.
    public var priority: Int? {
        get { wire["priority"]?.intValue.map(Int.init(clamping:)) }
        set { wire["priority"] = newValue.map { .int(Int64($0)) } }
    }

    /// Not before this much time has passed after it was sent: `countdown`, in seconds.
    public var delay: Duration? {
        get { seconds("countdown") }
        set { wire["countdown"] = newValue.map { .double($0.inSeconds) } }
    }

    /// Not before this instant: `eta`. Of no account beside ``delay``.
    public var eta: Timestamp? {
        get { wire["eta"]?.stringValue.flatMap { Timestamp(iso8601: $0) } }
        set { wire["eta"] = newValue.map { .string($0.iso8601) } }
    }

    /// Dropped as REVOKED when it has not started within this time after it was sent: `expires`, when it is said in seconds.
    public var expires: Duration? {
        get { seconds("expires") }
        set { wire["expires"] = newValue.map { .double($0.inSeconds) } }
    }

    /// How long a run may take before it is ended: `time_limit`, in seconds.
    public var timeLimit: Duration? {
        get { seconds("time_limit") }
        set { wire["time_limit"] = newValue.map { .double($0.inSeconds) } }
    }

    /// How long a run may take before it is told to end: `soft_time_limit`, in seconds.
    public var softTimeLimit: Duration? {
        get { seconds("soft_time_limit") }
        set { wire["soft_time_limit"] = newValue.map { .double($0.inSeconds) } }
    }

    /// Whether the result is thrown away: `ignore_result`.
    public var ignoreResult: Bool? {
        get { wire["ignore_result"]?.boolValue }
        set { wire["ignore_result"] = newValue.map { .bool($0) } }
    }

    /// Whether the sending job has the call as a child; not said means yes: `add_to_parent`.
    public var isChild: Bool? {
        get { wire["add_to_parent"]?.boolValue }
        set { wire["add_to_parent"] = newValue.map { .bool($0) } }
    }

    /// Headers of the caller's own, beside Celery's: `headers`.
    public var headers: [String: JSONValue] {
        get { wire["headers"]?.objectValue ?? [:] }
        set { wire["headers"] = newValue.isEmpty ? nil : .object(newValue) }
    }

    /// The calls that get the result: `link`. What is no signature is left out here, and refused when it is sent.
    public var callbacks: [Signature] {
        get { signatures("link") }
        set { wire["link"] = newValue.isEmpty ? nil : .array(newValue.map(\.json)) }
    }

    /// The calls that get the failure: `link_error`. What is no signature is left out here, and refused when it is sent.
    public var errbacks: [Signature] {
        get { signatures("link_error") }
        set { wire["link_error"] = newValue.isEmpty ? nil : .array(newValue.map(\.json)) }
    }

    /// The workflow's first job: `root_id`.
    public var rootID: String? {
        get { wire["root_id"]?.stringValue }
        set { wire["root_id"] = newValue.map { .string($0) } }
    }

    /// The job that this one comes from: `parent_id`.
    public var parentID: String? {
        get { wire["parent_id"]?.stringValue }
        set { wire["parent_id"] = newValue.map { .string($0) } }
    }

    /// The group that it is in: `group_id`.
    public var groupID: String? {
        get { wire["group_id"]?.stringValue }
        set { wire["group_id"] = newValue.map { .string($0) } }
    }

    private func seconds(_ name: String) -> Duration? { wire[name]?.doubleValue.flatMap { $0.magnitude < 1e12 ? .seconds($0) : nil } }

    private func signatures(_ name: String) -> [Signature] { wire.signatures(name).compactMap { try? Signature(json: $0) } }
}
