import ApiumCore
import DynamicJSON

/// A job in a list.
public struct JobRow: Sendable, Hashable {
    /// The job's id; of a message that cannot be read the record's, or none.
    public var id: String
    /// The job's name; `nil` for a message that cannot be read.
    public var task: String?
    /// Where it is.
    public var place: JobPlace
    /// The queue it is in, came from, or goes to.
    public var queue: String
    /// When it was sent, if its sender says so.
    public var sentAt: Timestamp?
    /// When it is due, of scheduled jobs; when it was set aside, of others.
    public var at: Timestamp?
    /// Who holds it.
    public var worker: String?
    /// Why it was set aside, or what holds it back.
    public var reason: String?
    /// How often it was retried.
    public var retries: Int
    /// The arguments as the sender wrote them for people.
    public var arguments: String?
    /// The key that limits it, if it has one.
    public var key: LimitKey?
    /// The message.
    public var payload: [UInt8]
    /// By what it is edited, moved and deleted; `nil` for one that a worker holds or that was set aside.
    public var waiting: WaitingMessage?

    /// The row for programs, without the message.
    public var json: JSONValue {
        [
            "id": .string(id), "name": task.json, "state": .string(place.rawValue), "queue": .string(queue), "sent_at": sentAt.json, "at": at.json,
            "worker": worker.json, "reason": reason.json, "key": (key.map { "\($0.name)=\($0.value)" }).json, "retries": .int(Int64(retries)),
            "arguments": arguments.json,
        ]
    }

    /// Reads a message.
    init(_ payload: [UInt8], _ place: JobPlace, queue: String) {
        let message = try? Message(decoding: payload)
        id = message?.id ?? ""
        task = message?.task
        self.place = place
        self.queue = queue
        sentAt = message?.sentAt
        retries = message?.headers.retries ?? 0
        key = message?.limitKey
        arguments = message.map { [$0.headers.argsRepr, $0.headers.kwargsRepr].compactMap { $0 }.joined(separator: " ") }
        self.payload = payload
    }

    /// Reads what waits.
    init(_ waiting: WaitingMessage) {
        switch waiting.place {
        case .ready: self.init(waiting.payload, .ready, queue: waiting.queue)
        case .scheduled: self.init(waiting.payload, .scheduled, queue: waiting.queue)
        case .held(let target):
            self.init(waiting.payload, .held, queue: waiting.queue)
            reason = target.text
        }
        self.waiting = waiting
    }

    init(_ record: ShelvedRecord, _ place: JobPlace) {
        self.init(record.payload, place, queue: record.queue)
        id = record.id
        task = task ?? record.task
        at = record.at
        reason = record.reason
        retries = max(0, record.attempts - 1)
    }
}

/// A part of a list.
public struct JobPage: Sendable, Hashable {
    /// The jobs that fit.
    public var rows: [JobRow]
    /// Where to go on; `nil`: that was all.
    public var next: JobCursor?
    /// How many were looked at.
    public var looked: Int
    /// What could not be looked at.
    public var gaps: [Gap] = []
}
