import ApiumCore
import DynamicJSON

/// The answer to "why is this job not running?" and "what happened to it?".
public struct Explanation: Sendable, Hashable {
    /// The job's id.
    public var id: String
    /// The job's name, where it is known.
    public var task: String?
    /// When it was looked, on the broker's clock.
    public var at: Timestamp
    /// Where it is.
    public var standing: JobStanding
    /// Where else it is: a job that was sent twice, or a stored state beside a job that waits.
    public var others: [JobStanding]
    /// What keeps it from running; empty: nothing is known of.
    public var obstacles: [Obstacle]
    /// Who revoked it, and when; `nil`: nobody did by its id.
    public var revocation: RevocationRecord?
    /// What could not be looked at.
    public var gaps: [Gap] = []
    /// The job's message, from wherever it was seen; it is no part of ``json``.
    public var message: Message?
}

extension Explanation {
    /// The answer for programs. Times are ISO 8601 texts, durations seconds.
    public var json: JSONValue {
        [
            "id": .string(id), "task": task.json, "at": .string(at.iso8601), "standing": standing.json(at: at),
            "others": .array(others.map { $0.json(at: at) }),
            "obstacles": .array(obstacles.map(\.json)), "gaps": .array(gaps.map(\.json)),
            "revocation": revocation.map { ["at": $0.at.json, "by": $0.by.json] } ?? .null,
        ]
    }
}

extension JobStanding {
    /// The kind in a word, the same in every language.
    public var kind: String {
        switch self {
        case .ready: "ready"
        case .scheduled(let place): if case .retry = place.cause { "retry" } else { "scheduled" }
        case .held: "held"
        case .inFlight(let place): if case .joining = place.activity { "joining" } else { "in-flight" }
        case .shelved(let place): place.shelf.rawValue
        case .waitsForParts: "waits-for-parts"
        case .follows: "follows"
        case .revoked: "revoked"
        case .ended(let end): end.state.isReady ? "ended" : "told"
        case .outOfSight: "out-of-sight"
        case .unknown: "unknown"
        }
    }

    /// The standing for programs: its ``kind``, and what is known of it.
    public var json: JSONValue {
        var members = details
        members["kind"] = .string(kind)
        return .object(members)
    }

    /// The standing for programs, with what it was worked out at that time.
    func json(at now: Timestamp) -> JSONValue {
        guard case .ready(let place) = self, case .object(var members) = json else { return json }
        members["estimated_start"] = place.estimatedStart(at: now).json
        return .object(members)
    }

    private var details: [String: JSONValue] {
        switch self {
        case .ready(let place):
            [
                "queue": .string(place.queue), "position": .int(Int64(place.position)), "priority": .int(Int64(place.priority)), "sent_at": place.sentAt.json,
                "redelivered": .bool(place.isRedelivered), "crashes": .int(Int64(place.crashes)),
                "places_per_second": place.approach.map { .double($0) } ?? .null,
            ]
        case .scheduled(let place): place.details
        case .held(let place):
            [
                "target": .string(place.target.text), "position": .int(Int64(place.position)), "queue": .string(place.queue),
                "limit": (place.limit?.text).json, "paused_since": place.pausedSince.json, "not_before": place.notBefore.json,
            ]
        case .inFlight(let place): place.details
        case .shelved(let place):
            [
                "queue": .string(place.queue), "reason": .string(place.reason), "at": .string(place.at.iso8601), "attempts": .int(Int64(place.attempts)),
            ]
        case .waitsForParts(let chord):
            [
                "group": .string(chord.group), "arrived": .int(Int64(chord.arrived)), "expected": chord.expected.json, "joined": .bool(chord.isJoined),
                "claimed": .bool(chord.isClaimed),
            ]
        case .follows(let job): job.details
        case .ended(let end): ["state": .string(end.state.rawValue), "at": end.at.json, "error": end.error.json]
        case .outOfSight(let queues):
            ["queues": .array(queues.map(\.json))]
        case .revoked, .unknown: [:]
        }
    }
}

extension QueueSight {
    /// The place for programs: its state, and the queue or the target.
    fileprivate var json: JSONValue {
        var members: [String: JSONValue] = ["length": .int(Int64(length)), "looked": .int(Int64(looked))]
        switch place {
        case .ready(let queue):
            members["state"] = "ready"
            members["queue"] = .string(queue)
        case .held(let target):
            members["state"] = "held"
            members["target"] = .string(target.text)
        case .scheduled: members["state"] = "scheduled"
        }
        return .object(members)
    }
}

extension ScheduledPlace {
    fileprivate var details: [String: JSONValue] {
        var details: [String: JSONValue] = ["queue": .string(queue), "due": .string(due.iso8601)]
        if case .retry(let number, let error) = cause {
            details["retry"] = .int(Int64(number))
            details["error"] = error.json
            details["most"] = retryLimit.json
        }
        return details
    }
}

extension FlightPlace {
    fileprivate var details: [String: JSONValue] {
        var details: [String: JSONValue] = [
            "worker": worker.json, "incarnation": .string(incarnation), "queue": .string(queue), "since": since.json,
            "lease_seconds": lease.map { .double($0.inSeconds) } ?? .null, "lease_until": leaseUntil.json, "renewing": isRenewing.map { .bool($0) } ?? .null,
            "retries": .int(Int64(retries)), "acknowledged": .bool(activity == .acknowledged),
        ]
        if case .joining(let claims) = activity { details["groups"] = .array(claims.map { .string($0.group) }) }
        return details
    }
}

extension Predecessor {
    fileprivate var details: [String: JSONValue] {
        switch role {
        case .chainStep(let steps): ["id": .string(id), "task": .string(task), "role": "chain", "steps": .int(Int64(steps))]
        case .callback: ["id": .string(id), "task": .string(task), "role": "callback"]
        case .errback: ["id": .string(id), "task": .string(task), "role": "errback"]
        }
    }
}

extension Obstacle {
    /// The obstacle for programs: its kind in a word, and what it is about.
    public var json: JSONValue {
        switch self {
        case .queueNotServed(let queue): ["kind": "queue-not-served", "queue": .string(queue)]
        case .nameNotKnown(let task, let queue): ["kind": "name-not-known", "task": .string(task), "queue": .string(queue)]
        case .paused(let target, let since): ["kind": "paused", "target": .string(target.text), "since": .string(since.iso8601)]
        case .revoked: ["kind": "revoked"]
        case .beingStopped: ["kind": "being-stopped"]
        case .expired(let at): ["kind": "expired", "at": .string(at.iso8601)]
        case .nobodyOnDuty: ["kind": "nobody-on-duty"]
        case .workerSilent(let worker): ["kind": "worker-silent", "worker": .string(worker)]
        }
    }
}

extension Optional<String> {
    /// The text, or null.
    var json: JSONValue { map { .string($0) } ?? .null }
}

extension Optional<Int> {
    /// The number, or null.
    var json: JSONValue { map { .int(Int64($0)) } ?? .null }
}

extension Optional<Timestamp> {
    /// The time as ISO 8601 text, or null.
    var json: JSONValue { map { .string($0.iso8601) } ?? .null }
}
