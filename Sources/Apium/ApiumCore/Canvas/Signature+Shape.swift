import DynamicJSON

extension Signature {
    /// What a signature is made of: a plain call, or one of Celery's composite forms with its members (celery-wire 8.2).
    public enum Shape: Sendable, Hashable {
        /// One call.
        case task
        /// Calls that run one after another, in running order.
        case chain([Signature])
        /// Calls that run side by side.
        case group([Signature])
        /// Calls that run side by side, and one that gets the list of their results.
        case chord(header: [Signature], body: Signature)
        /// One job that calls a task with each element of a list, inline.
        case map(Signature, [JSONValue])
        /// One job that calls a task with each element of a list as its positional arguments, inline.
        case starmap(Signature, [JSONValue])
        /// A group of starmaps, each over so many elements of a list.
        case chunks(Signature, [JSONValue], size: Int)
    }

    /// Reads the shape; every form that Celery writes is understood: a chord's header as a list or as a group, members as signatures
    /// of any kind.
    ///
    /// - Throws: ``ApiumError`` `malformedMessage` when members are missing or are no signatures.
    public var shape: Shape {
        get throws {
            switch subtaskType {
            case nil: return .task
            case "chain": return .chain(try members("tasks"))
            case "group": return .group(try members("tasks"))
            case "chord": return .chord(header: try header(), body: try inner("body"))
            case "xmap": return .map(try inner("task"), try items())
            case "xstarmap": return .starmap(try inner("task"), try items())
            case "chunks":
                guard let size = kwargs["n"]?.intValue, size > 0 else { throw malformed("has no positive size 'n'") }
                return .chunks(try inner("task"), try items(), size: Int(clamping: size))
            case .some(let type): throw malformed("is of the unknown type '\(type.prefix(50))'")
            }
        }
    }

    /// A chord's header is a list of signatures, or a group or chain whose members are meant.
    private func header() throws -> [Signature] {
        switch kwargs["header"] {
        case .array(let list)?: return try list.map { try Signature(json: $0) }
        case .object?:
            let signature = try inner("header")
            return signature.kwargs["tasks"] == nil ? [signature] : try signature.members("tasks")
        default: throw malformed("has no header")
        }
    }

    private func members(_ key: String) throws -> [Signature] {
        switch kwargs[key] {
        case .array(let list)?: return try list.map { try Signature(json: $0) }
        default: throw malformed("has no list '\(key)'")
        }
    }

    private func inner(_ key: String) throws -> Signature {
        guard let value = kwargs[key], !value.isNull else { throw malformed("has no '\(key)'") }
        return try Signature(json: value)
    }

    private func items() throws -> [JSONValue] {
        guard let list = kwargs["it"]?.arrayValue else { throw malformed("has no list 'it'") }
        return list
    }

    private func malformed(_ what: String) -> ApiumError { ApiumError(.malformedMessage, "the signature of '\(task.prefix(200))' \(what)") }
}

extension Signature {
    /// A chain that holds these exactly as given.
    static func rawChain(_ steps: [Signature], options: SignatureOptions = [:]) -> Signature {
        Signature("celery.chain", kwargs: ["tasks": .array(steps.map(\.json))], options: options, subtaskType: "chain")
    }

    /// Runs these one after another: each gets the result of the one before as its first argument, unless it is immutable.
    ///
    /// ```swift
    /// let canvas = Signature.chain([Signature("shop.fetch", args: [.string(url)]), Signature("shop.store")])
    /// ```
    ///
    /// A group followed by a step becomes a chord, as with ``|(_:_:)``.
    public static func chain(_ steps: [Signature]) -> Signature {
        guard let nodes = try? steps.map(CanvasNode.init) else { return rawChain(steps) }
        return nodes.reduce(CanvasNode.chain([])) { $0.followed(by: $1) }.whole
    }

    /// Runs these side by side.
    public static func group(_ members: [Signature]) -> Signature {
        Signature("celery.group", kwargs: ["tasks": .array(members.map(\.json))], subtaskType: "group")
    }

    /// Runs the header's members side by side, and then the body with the list of their results.
    public static func chord(header: [Signature], body: Signature) -> Signature {
        Signature(
            "celery.chord", kwargs: ["header": .array(header.map(\.json)), "body": body.json, "kwargs": [:]], subtaskType: "chord")
    }

    /// One job that calls the task with each item and answers the list of results. The task's worker runs it inline.
    public static func map(_ task: Signature, over items: [JSONValue]) -> Signature {
        Signature("celery.map", kwargs: ["task": task.json, "it": .array(items)], subtaskType: "xmap", immutable: true)
    }

    /// One job that calls the task with each item, a list, as its positional arguments.
    public static func starmap(_ task: Signature, over items: [JSONValue]) -> Signature {
        Signature("celery.starmap", kwargs: ["task": task.json, "it": .array(items)], subtaskType: "xstarmap", immutable: true)
    }

    /// A group of starmaps, each over `size` of the items.
    public static func chunks(_ task: Signature, over items: [JSONValue], size: Int) -> Signature {
        Signature(
            "celery.chunks", kwargs: ["task": task.json, "it": .array(items), "n": .int(Int64(max(size, 1)))], subtaskType: "chunks", immutable: true)
    }
}
