import DynamicJSON

/// A call that has not been sent: Celery's signature, as it travels in callbacks, chains and chord bodies.
///
/// Composite forms (chain, group, chord, map, starmap, chunks) are signatures too, told apart by ``subtaskType``; what stands
/// in ``options`` and ``extra`` without being known here is carried along untouched.
public struct Signature: Sendable, Hashable {
    /// The task's name; `celery.chain` and the like for composite forms.
    public var task: String
    /// Positional arguments.
    public var args: [JSONValue]
    /// Keyword arguments; composite forms keep their members here.
    public var kwargs: [String: JSONValue]
    /// What is said about the call beside its arguments.
    public var options: SignatureOptions
    /// `nil` for a plain call, else `chain`, `group`, `chord`, `xmap`, `xstarmap` or `chunks`.
    public var subtaskType: String?
    /// Whether results of earlier steps are not put in front of its arguments.
    public var immutable: Bool
    /// Members of the JSON form that are not Celery's own.
    public var extra: [String: JSONValue]

    /// Makes a plain signature.
    public init(
        _ task: String, args: [JSONValue] = [], kwargs: [String: JSONValue] = [:], options: SignatureOptions = [:], subtaskType: String? = nil,
        immutable: Bool = false, extra: [String: JSONValue] = [:]
    ) {
        self.task = task
        self.args = args
        self.kwargs = kwargs
        self.options = options
        self.subtaskType = subtaskType
        self.immutable = immutable
        self.extra = extra
    }

    /// Reads the JSON form (celery-wire 8.1): missing members have Celery's defaults.
    ///
    /// - Throws: ``ApiumError`` `malformedMessage` when it is no signature.
    public init(json: JSONValue) throws {
        guard case .object(var members) = json, let task = members.removeValue(forKey: "task")?.stringValue else {
            throw ApiumError(.malformedMessage, "a signature is an object with the name of its task under 'task'")
        }
        self.init(task)
        switch members.removeValue(forKey: "args") {
        case .array(let list)?: args = list
        case nil, .null?: break
        default: throw ApiumError(.malformedMessage, "the args of the signature of '\(task.prefix(200))' are not a list")
        }
        for (name, path) in [("kwargs", \Signature.kwargs), ("options", \Signature.options.wire)] {
            switch members.removeValue(forKey: name) {
            case .object(let object)?: self[keyPath: path] = object
            case nil, .null?: break
            default: throw ApiumError(.malformedMessage, "the \(name) of the signature of '\(task.prefix(200))' are not an object")
            }
        }
        subtaskType = members.removeValue(forKey: "subtask_type")?.stringValue
        immutable = members.removeValue(forKey: "immutable")?.boolValue ?? false
        extra = members
    }

    /// The JSON form.
    public var json: JSONValue {
        var members = extra
        members["task"] = .string(task)
        members["args"] = .array(args)
        members["kwargs"] = .object(kwargs)
        members["options"] = .object(options.wire)
        members["subtask_type"] = subtaskType.map { .string($0) } ?? .null
        members["immutable"] = .bool(immutable)
        return .object(members)
    }
}
