import DynamicJSON

/// An order that jobs must not run: by id, or by what is stamped on them (celery-wire 12.3).
public struct Revocation: Sendable, Hashable {
    /// The ids of the jobs.
    public var ids: [String]
    /// Stamp name → values: jobs that carry one of the values under the name.
    public var stamps: [String: [JSONValue]]
    /// Whether jobs that run are stopped, too. Without it only those are meant that have not begun.
    public var terminate: Bool
    /// Who gives it, for whoever asks why a job did not run; kept with the ids. Default: not said.
    public var by: String?

    /// Makes an order.
    public init(ids: [String] = [], stamps: [String: [JSONValue]] = [:], terminate: Bool = false, by: String? = nil) {
        self.ids = ids
        self.stamps = stamps
        self.terminate = terminate
        self.by = by
    }
}

/// What operators and cancellers have said.
public struct ControlState: Sendable, Hashable {
    /// The epoch this state belongs to.
    public var epoch: Int64
    /// The ids of jobs that must not begin.
    public var revoked: Set<String>
    /// Those of them that are stopped when they run.
    public var terminated: Set<String>
    /// Stamp name → the values whose jobs must not begin.
    public var revokedStamps: [String: Set<JSONValue>]
    /// Stamp name → the values whose jobs are stopped when they run.
    public var terminatedStamps: [String: Set<JSONValue>]
    /// What is limited and paused. Default: nothing.
    public var holds = HoldState()
    /// The epoch since which the ids were revoked, when they are the news alone; `nil`: they are all. What is revoked by stamp, limited or
    /// paused is always all. Default: `nil`.
    public var since: Int64?

    /// Makes a state.
    public init(
        epoch: Int64 = 0, revoked: Set<String> = [], terminated: Set<String> = [], revokedStamps: [String: Set<JSONValue>] = [:],
        terminatedStamps: [String: Set<JSONValue>] = [:]
    ) {
        self.epoch = epoch
        self.revoked = revoked
        self.terminated = terminated
        self.revokedStamps = revokedStamps
        self.terminatedStamps = terminatedStamps
    }

    /// Takes up what was read later: all there is, or the news since an epoch that is known here.
    package mutating func update(with news: ControlState) {
        guard news.since != nil else { return self = news }
        // Two reads may come back in another order than they were answered in: what the earlier one has is known by then.
        guard news.epoch >= epoch else { return }
        epoch = news.epoch
        revoked.formUnion(news.revoked)
        terminated.formUnion(news.terminated)
        (revokedStamps, terminatedStamps, holds) = (news.revokedStamps, news.terminatedStamps, news.holds)
    }

    /// Whether the job must not begin.
    public func forbids(_ message: Message) -> Bool {
        revoked.contains(message.id) || (!revokedStamps.isEmpty && ControlState.match(message.headers.stamps, revokedStamps))
    }

    /// Whether the job is to be stopped when it runs.
    public func stops(_ message: Message) -> Bool {
        terminated.contains(message.id) || (!terminatedStamps.isEmpty && ControlState.match(message.headers.stamps, terminatedStamps))
    }

    /// Whether one of the stamps has one of the values; a stamp that is a list matches by any of its elements.
    package static func match(_ stamps: [String: JSONValue]?, _ values: [String: Set<JSONValue>]) -> Bool {
        guard let stamps else { return false }
        return values.contains { name, wanted in
            switch stamps[name] {
            case nil: false
            case .array(let list)?: list.contains { wanted.contains($0) }
            case let value?: wanted.contains(value)
            }
        }
    }
}
