import DynamicJSON

/// Signatures are built from a call by what is said about it; each answers a new value.
///
/// ```swift
/// let canvas = Signature("shop.fetch", "https://example.org")
///     .on(queue: "fetch")
///     .linked(to: Signature("shop.log").immutable())
///     | Signature("shop.store")
/// let handle = try await client.send(canvas)
/// ```
extension Signature {
    /// A call with positional arguments.
    public init(_ task: String, _ first: JSONValue, _ rest: JSONValue...) { self.init(task, args: [first] + rest) }

    /// Results of earlier steps are not put in front of its arguments. Of a composite form: of its first calls, those that would get them.
    public func immutable(_ flag: Bool = true) -> Signature { changed { $0.setImmutable(flag) } }

    /// On this queue; of a composite form: all calls in it.
    public func on(queue: String) -> Signature { everywhere("queue", .string(queue)) }

    /// With this priority, 0 (first) to 9; of a composite form: all calls in it.
    public func priority(_ priority: Int) -> Signature { everywhere("priority", .int(Int64(min(max(priority, 0), 9)))) }

    /// Dropped as REVOKED when it has not started within this time after it was sent; of a composite form: each call in it.
    public func expiring(in time: Duration) -> Signature { everywhere("expires", .double(time.inSeconds)) }

    /// With hard and soft time limits; of a composite form: all calls in it. A worker's or job's own limits count where this says none.
    public func timeLimit(_ hard: Duration?, soft: Duration? = nil) -> Signature {
        everywhere("time_limit", hard.map { .double($0.inSeconds) }).everywhere("soft_time_limit", soft.map { .double($0.inSeconds) })
    }

    /// Whether the result is thrown away; of a composite form: of all calls in it.
    public func ignoringResult(_ flag: Bool = true) -> Signature { everywhere("ignore_result", .bool(flag)) }

    /// Not before this much time has passed after it was sent. Of a composite form: its first calls.
    public func after(_ delay: Duration) -> Signature { option("countdown", .double(delay.inSeconds)) }

    /// With this id. Of a chain: its last step, whose result is the chain's; of a group: the group itself.
    public func id(_ id: String) -> Signature { option("task_id", .string(id)) }

    /// With headers of the caller's own, beside Celery's; of a composite form: all calls in it.
    public func headers(_ headers: [String: JSONValue]) -> Signature { everywhere("headers", .object(headers)) }

    /// Followed by a callback, which gets the result; a chain is followed when its last step has ended, a chord when its body has. Linked to
    /// a group, the callback follows the first member and gets no result: a chord is what waits for all of them.
    public func linked(to callback: Signature) -> Signature { changed { $0.link(callback.json) } }

    /// Followed by an errback when it fails: any step of a chain, any member of a group, the body of a chord (which fails with its header).
    public func onError(_ errback: Signature) -> Signature { changed { $0.linkError(errback.json) } }

    /// An option under Celery's name (celery-wire 8.1); `nil` removes it. For what has no name in Swift.
    public func option(_ name: String, _ value: JSONValue?) -> Signature {
        var result = self
        result.options[name] = value
        return result
    }

    private func everywhere(_ name: String, _ value: JSONValue?) -> Signature { changed { $0.set(name, value) } }

    /// What is no proper signature stays as it is: sending it says what is wrong.
    private func changed(_ change: (CanvasNode) -> Void) -> Signature {
        guard let node = try? CanvasNode(self) else { return self }
        change(node)
        return node.whole
    }
}

extension CanvasNode {
    fileprivate func set(_ option: String, _ value: JSONValue?) {
        switch form {
        case .task: self[option] = value
        case .chain, .group: for member in members { member.set(option, value) }
        case .chord:
            for member in header.members { member.set(option, value) }
            body?.set(option, value)
        }
    }

    fileprivate func setImmutable(_ flag: Bool) {
        switch form {
        // A map is immutable whatever is said.
        case .task: signature.immutable = flag || signature.subtaskType != nil
        case .chain: members.first?.setImmutable(flag)
        case .group: for member in members { member.setImmutable(flag) }
        case .chord: for member in header.members { member.setImmutable(flag) }
        }
    }
}
