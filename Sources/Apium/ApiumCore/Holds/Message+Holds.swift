import DynamicJSON

extension Message {
    /// The key by which the job is limited, as its sender gave it.
    ///
    /// Kept in the header `apium_limit`: `[name, value]`. A header that is none of that is no key.
    public var limitKey: LimitKey? {
        get { LimitKey(json: headers.custom[Self.limitHeader]) }
        set { headers.custom[Self.limitHeader] = newValue?.json }
    }

    /// What the job had to ask when it was refused; it asks again when it comes back, whatever has changed meanwhile, so that what was taken
    /// for it is not left behind.
    ///
    /// Kept in the header `apium_waited`: how old its question is (``waiting(for:fence:)``), and the targets' texts.
    public var waitedFor: [HoldTarget] {
        get {
            guard case .array(let texts)? = headers.custom[Self.waitedHeader] else { return [] }
            return texts.compactMap { $0.stringValue.flatMap { HoldTarget(text: $0) } }.filter { (try? $0.validate()) != nil }
        }
        set { headers.custom[Self.waitedHeader] = Self.waited(newValue, since: waitedSince) }
    }

    /// The fence of the delivery that asked first: by it a job that comes back to a line finds its place. `nil`: it has not waited yet.
    package var waitedSince: Int64? {
        guard case .array(let parts)? = headers.custom[Self.waitedHeader] else { return nil }
        return parts.first?.intValue
    }

    /// The message as it is kept while the job waits for these targets, asked by a delivery of this fence. One that was claimed before, and
    /// has lost its worker, is older than all that wait, and so is one that has waited under a release that did not say since when.
    package func waiting(for targets: [HoldTarget], fence: Int64) -> Message {
        var kept = self
        kept.headers.custom[Self.waitedHeader] = Self.waited(targets, since: waitedSince ?? (properties.redelivered || !waitedFor.isEmpty ? 0 : fence))
        return kept
    }

    private static func waited(_ targets: [HoldTarget], since: Int64?) -> JSONValue? {
        targets.isEmpty ? nil : .array((since.map { [.int($0)] } ?? []) + targets.map { .string($0.text) })
    }

    /// The lock that the job holds from its enqueueing on.
    ///
    /// Kept in the header `apium_unique`: `[key, scope, seconds]`, the last being its life. A worker of another kind leaves the lock to that.
    public var uniqueLock: UniqueLock? {
        get {
            guard case .array(let texts)? = headers.custom[Self.uniqueHeader], texts.count == 3, let key = texts[0].stringValue, !key.contains("\u{0}"),
                let scope = texts[1].stringValue.flatMap({ UniqueLock.Scope(rawValue: $0) }), let life = texts[2].doubleValue, life > 0, life < 1e9
            else { return nil }
            return UniqueLock(key: key, scope: scope, life: .seconds(life))
        }
        set { headers.custom[Self.uniqueHeader] = newValue.map { [.string($0.key), .string($0.scope.rawValue), .double($0.life.inSeconds)] } }
    }

    static let limitHeader = "apium_limit"
    static let waitedHeader = "apium_waited"
    static let uniqueHeader = "apium_unique"

    /// What stands in a message that has to ask before it runs though nothing is limited: it has a lock, or has waited under limits.
    package static let headersOfHolds: [StaticString] = ["apium_unique", "apium_waited"]
}

extension LimitKey {
    /// As it stands in the header.
    var json: JSONValue { [.string(name), .string(value)] }

    init?(json: JSONValue?) {
        guard case .array(let texts)? = json, texts.count == 2, let name = texts[0].stringValue, let value = texts[1].stringValue else { return nil }
        self.init(name, value)
    }
}

extension EnqueueOptions {
    /// Under the limits of this key, in place of the one that the job's type names.
    public static func limited(by key: LimitKey) -> EnqueueOptions { EnqueueOptions().limited(by: key) }

    /// Under the limits of this key, in place of the one that the job's type names.
    public func limited(by key: LimitKey) -> EnqueueOptions { headers([Message.limitHeader: key.json]) }
}

extension JobDefinition {
    /// The caller's options, completed by those of its type, with what this job says about itself: the keys of its limits and of its lock.
    func describing(_ options: EnqueueOptions) -> EnqueueOptions {
        var options = options
        if options.headers[Message.limitHeader] == nil, let key = limitKey { options = options.limited(by: key) }
        if var unique = options.unique {
            unique.key = unique.key ?? uniqueKey
            options.unique = unique
        }
        return options
    }
}
